//! Carrying a run out through Codex, limits and outages of the model provider included.
//!
//! Waits as long as it takes: a provider that is down is no failure of the work. The pauses grow, and
//! a turn that goes on keeps what the one before has done.

use std::time::Duration;

use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    CodexError, CodexSetup, Event, Launch, Mode, Outcome, Report, Talk,
    converse::converse,
    mode::choose,
    session::{Session, Turned, send},
};

/// Limits are lifted early at times: no pause is longer, whatever the provider announces.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Where nothing is announced, pauses double up to here.
pub(super) const LONGEST_GUESS: Duration = Duration::from_secs(60);

/// Lets Codex carry a run out and reports what it does. Returns when it is over; cancelled, when no
/// process of it is left.
///
/// # Errors
/// [`CodexError`] where Codex could not be made ready, started or watched.
pub async fn execute(
    setup: &CodexSetup,
    launch: Launch,
    talk: Talk<'_>,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) -> Result<Report, CodexError> {
    let chosen = match choose(setup, &launch, &cancel).await {
        Err(_) if cancel.is_cancelled() => return Ok(Report::of(Outcome::Cancelled)),
        chosen => chosen?,
    };
    match chosen {
        (Mode::AppServer, _) => converse(setup, &launch, talk, &events, &cancel).await,
        (Mode::Exec, notice) => {
            if let Some(text) = notice {
                send(&events, Event::Notice { text }, &cancel).await;
            }
            turn_by_turn(setup, launch, events, cancel).await
        }
    }
}

/// A process for each turn.
async fn turn_by_turn(
    setup: &CodexSetup,
    launch: Launch,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) -> Result<Report, CodexError> {
    let mut session = match Session::open(setup, launch, &cancel).await {
        Err(_) if cancel.is_cancelled() => return Ok(Report::of(Outcome::Cancelled)),
        opened => opened?,
    };
    for notice in session.notices() {
        send(&events, notice, &cancel).await;
    }
    let mut guess = setup.error_backoff;
    loop {
        let (limit, announced, message) = match session.turn(&events, &cancel).await? {
            Turned::Over(outcome) => return Ok(session.report(outcome)),
            Turned::Limited {
                limit,
                retry_after,
                message,
            } => (limit, retry_after, message),
        };
        let pause = pause(announced, guess, setup.error_backoff);
        let limited = Event::Limited {
            limit,
            pause,
            message,
        };
        send(&events, limited, &cancel).await;
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(session.report(Outcome::Cancelled)),
            () = sleep(pause) => {}
        }
        guess = (guess * 2).min(LONGEST_GUESS.max(setup.error_backoff));
    }
}

pub(super) fn pause(announced: Option<Duration>, guess: Duration, least: Duration) -> Duration {
    let longest = LONGEST_PAUSE.max(least);
    announced.unwrap_or(guess).clamp(least, longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_announced_within_bounds() {
        let seconds = Duration::from_secs;
        let least = seconds(2);
        assert_eq!(pause(None, seconds(4), least), seconds(4));
        assert_eq!(pause(Some(seconds(30)), seconds(4), least), seconds(30));
        assert_eq!(pause(Some(Duration::ZERO), seconds(4), least), seconds(2));
        assert_eq!(
            pause(Some(seconds(86_400)), seconds(4), least),
            seconds(900)
        );
    }
}
