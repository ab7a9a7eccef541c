//! What goes down an agent's stream: whatever has gathered while the wire was busy goes in one
//! message, without a timer. Bounded in number and size, and never reordered.

use futures::{Stream, stream};
use orch_api::proto::{ServerBatch, ServerMessage, server_message};
use prost::Message as _;
use tokio::sync::mpsc;
use tonic::Status;

/// The most messages in one.
const LARGEST_BATCH: usize = 1024;
/// The most bytes in one; a single message may be larger.
const LARGEST_BYTES: usize = 1 << 20;

/// Which messages an agent reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Single,
    Batches,
}

struct Out {
    messages: mpsc::Receiver<ServerMessage>,
    /// Taken, and too large for the batch before.
    next: Option<ServerMessage>,
    form: Form,
}

/// The messages, in their order.
pub fn outgoing(
    messages: mpsc::Receiver<ServerMessage>,
    form: Form,
) -> impl Stream<Item = Result<ServerMessage, Status>> {
    let out = Out {
        messages,
        next: None,
        form,
    };
    stream::unfold(out, |mut out| async move {
        let message = out.gather().await?;
        Some((Ok(message), out))
    })
}

impl Out {
    async fn gather(&mut self) -> Option<ServerMessage> {
        let first = match self.next.take() {
            Some(first) => first,
            None => self.messages.recv().await?,
        };
        // The agent waits for the welcome itself before it reads anything else.
        let alone = matches!(first.kind, Some(server_message::Kind::Welcome(_)));
        if alone || self.form == Form::Single {
            return Some(first);
        }
        let mut bytes = first.encoded_len();
        let mut messages = vec![first];
        while messages.len() < LARGEST_BATCH
            && let Ok(next) = self.messages.try_recv()
        {
            bytes += next.encoded_len();
            if bytes > LARGEST_BYTES {
                self.next = Some(next);
                break;
            }
            messages.push(next);
        }
        if messages.len() == 1 {
            return messages.pop();
        }
        let kind = Some(server_message::Kind::Batch(ServerBatch { messages }));
        Some(ServerMessage { kind })
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use orch_api::proto::{Ack, Ping, Welcome};

    use super::*;

    fn ack(id: u64, text_bytes: usize) -> ServerMessage {
        let ack = Ack {
            id,
            refused: String::new(),
            message: "x".repeat(text_bytes),
        };
        ServerMessage {
            kind: Some(server_message::Kind::Ack(ack)),
        }
    }

    /// How many messages each outgoing one stands for, and the ids in all, in order.
    async fn sent(given: Vec<ServerMessage>, form: Form) -> (Vec<usize>, Vec<u64>) {
        let (sender, receiver) = mpsc::channel(4096);
        for message in given {
            sender.try_send(message).unwrap();
        }
        drop(sender);
        let all: Vec<_> = outgoing(receiver, form).collect().await;
        let (mut sizes, mut ids) = (Vec::new(), Vec::new());
        for message in all {
            let parts = match message.unwrap().kind.unwrap() {
                server_message::Kind::Batch(batch) => batch.messages,
                kind => vec![ServerMessage { kind: Some(kind) }],
            };
            sizes.push(parts.len());
            ids.extend(parts.into_iter().map(|part| match part.kind {
                Some(server_message::Kind::Ack(ack)) => ack.id,
                _ => 0,
            }));
        }
        (sizes, ids)
    }

    #[tokio::test]
    async fn what_has_gathered_goes_in_one_message_in_order() {
        let given = (1..=1500).map(|id| ack(id, 0)).collect();
        let (sizes, ids) = sent(given, Form::Batches).await;
        assert_eq!(sizes, [1024, 476]);
        assert_eq!(ids, (1..=1500).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_batch_is_bounded_in_bytes_and_a_large_message_goes_alone() {
        let half = LARGEST_BYTES / 2 - 64;
        let given = vec![
            ack(1, half),
            ack(2, half),
            ack(3, 10),
            ack(4, 2 * LARGEST_BYTES),
            ack(5, 0),
        ];
        let (sizes, ids) = sent(given, Form::Batches).await;
        assert_eq!((sizes, ids), (vec![3, 1, 1], vec![1, 2, 3, 4, 5]));
    }

    #[tokio::test]
    async fn the_welcome_goes_alone() {
        let welcome = server_message::Kind::Welcome(Welcome::default());
        let ping = server_message::Kind::Ping(Ping {});
        let given = [welcome, ping].map(|kind| ServerMessage { kind: Some(kind) });
        let given = given.into_iter().chain([ack(1, 0)]).collect();
        assert_eq!(sent(given, Form::Batches).await.0, [1, 2]);
    }

    #[tokio::test]
    async fn an_agent_that_reads_no_batches_gets_none() {
        let given = vec![ack(1, 0), ack(2, 0)];
        assert_eq!(sent(given, Form::Single).await, (vec![1, 1], vec![1, 2]));
    }
}
