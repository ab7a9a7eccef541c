-- Tokens that a run has used with a model, as whoever carries it out counts them: sums that only grow. `meter` is the
-- epoch from which the count began, `own_microusd` what the program itself says that they cost. What came on top of the
-- sums before is a row of model_call.
CREATE TABLE run_usage (
    run_id        INTEGER NOT NULL REFERENCES run (id),
    meter         INTEGER NOT NULL,
    source        TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    input_tokens  INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    own_microusd  INTEGER NOT NULL,
    PRIMARY KEY (run_id, meter, source, model)
) WITHOUT ROWID;
CREATE INDEX model_call_run ON model_call (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX model_call_work_item ON model_call (work_item_id) WHERE work_item_id IS NOT NULL;
