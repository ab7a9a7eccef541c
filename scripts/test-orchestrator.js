#!/usr/bin/env node
// Sends one request to POST /api/orchestrate and checks the answer's form. Node 16 or newer, no packages.
// ORCHESTRATOR_URL is the server (default http://localhost:$PORT, else http://localhost:18080).
'use strict';

const http = require('http');
const https = require('https');

const base = process.env.ORCHESTRATOR_URL || `http://localhost:${process.env.PORT || 18080}`;
const token = process.env.ORCH_API_TOKEN;
const patience = Number(process.env.ORCHESTRATOR_TIMEOUT_SECONDS || 600) * 1000;

const request = {
  prompt: process.argv[2] || 'Create a simple HTTP server in Node.js',
  context: { language: 'javascript', framework: 'express' },
  agent_sequence: ['spec', 'code', 'reviewer'],
  options: { test_framework: 'jest', coverage_goals: '80%' },
};

function post(path, value) {
  const url = new URL(path, base);
  const body = JSON.stringify(value);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  if (token) headers.Authorization = `Bearer ${token}`;
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === 'https:' ? https : http).request(url, { method: 'POST', headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(parts).toString('utf8') }));
    });
    sent.setTimeout(patience, () => sent.destroy(new Error(`no answer within ${patience / 1000} s`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

function check(what, holds) {
  if (!holds) throw new Error(`${what} is not as it should be`);
}

async function main() {
  const { status, text } = await post('/api/orchestrate', request);
  if (status !== 200) throw new Error(`the server answered ${status}: ${text}`);
  const answer = JSON.parse(text);
  console.log(JSON.stringify(answer, null, 2));
  check('request_id', /^[0-9a-f-]{36}$/.test(answer.request_id));
  check('status', ['completed', 'failed', 'cancelled'].includes(answer.status));
  check('metadata.agent_sequence', JSON.stringify(answer.metadata.agent_sequence) === '["Spec","Code","Reviewer"]');
  check('metadata.duration_ms', Number.isInteger(answer.metadata.duration_ms));
  check('metadata.success', answer.metadata.success === (answer.status === 'completed'));
  if (!answer.metadata.success) {
    const { agent, reason } = answer.error || {};
    throw new Error(`${agent || 'the request'} failed: ${reason}`);
  }
  for (const name of request.agent_sequence) check(`result.${name}`, typeof answer.result[name] === 'string');
  console.log('the orchestrator works');
}

main().catch((error) => {
  console.error(error.code === 'ECONNREFUSED' ? `no server at ${base}; start one with \`make run\`` : error.message);
  process.exitCode = 1;
});
