//! From the orders to the command, step by step.

use std::{
    convert::Infallible,
    ffi::{CString, OsStr, OsString},
    fs::File,
    io,
    net::{Ipv4Addr, TcpListener},
    os::{fd::AsFd, unix::ffi::OsStringExt},
    path::Path,
    process,
};

use nix::unistd::{chdir, execve};

use crate::sandbox::Layer;

use super::{Orders, force::Force, keeper, kernel, reach, request, talk::Talk};

/// The argument by which the program is told to be a sandbox's first one.
pub const ARGUMENT: &str = "--sandbox-init";

/// The same where the socket to whoever starts it cannot be inherited: its path follows.
pub(crate) const ARGUMENT_WITH_SOCKET: &str = "--sandbox-init-at";

/// The exit code when the command could not be begun.
const NOT_BEGUN: i32 = 125;

/// Why the command could not be begun.
#[derive(Debug, thiserror::Error)]
pub(super) enum InitError {
    #[error("its orders cannot be read: {0}")]
    Orders(String),
    #[error("failed to {what}: {source}")]
    System {
        what: &'static str,
        source: io::Error,
    },
    #[error("failed to {what}: {reason}")]
    Refused { what: &'static str, reason: String },
}

/// For `map_err`: what was being done.
pub(super) fn while_doing<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> InitError {
    move |error| InitError::System {
        what,
        source: error.into(),
    }
}

/// Becomes a sandbox's first program, where the arguments say so, and does not come back then. To
/// be called before anything else is done, while the process has one thread.
pub fn begin_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    let word = arguments.next();
    let word = word.as_deref();
    let reached = if word == Some(OsStr::new(ARGUMENT)) {
        Ok(())
    } else if word == Some(OsStr::new(ARGUMENT_WITH_SOCKET)) {
        reach::reach(Path::new(&arguments.next().unwrap_or_default()))
    } else {
        return;
    };
    let talk = match reached.and_then(|()| Talk::take()) {
        Ok(talk) => talk,
        Err(error) => {
            eprintln!("this is started by a sandbox, and not by hand: {error}");
            process::exit(NOT_BEGUN);
        }
    };
    let Err(error) = begin(arguments, &talk);
    talk.failed(&error.to_string());
    process::exit(NOT_BEGUN);
}

fn begin(
    mut arguments: impl Iterator<Item = OsString>,
    talk: &Talk,
) -> Result<Infallible, InitError> {
    let orders = read_orders(arguments.next())?;
    if orders.without.has(Layer::Descriptors) {
        kernel::close_all_but_the_first_four().map_err(while_doing("close inherited files"))?;
    }
    let listener = match orders.proxy_port {
        Some(port) => {
            let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
            Some(bound.map_err(while_doing("listen for the egress proxy"))?)
        }
        None => None,
    };
    let listener = listener.as_ref().map(AsFd::as_fd);
    let Some(cwd) = arguments.next() else {
        return keeper::keep(orders, talk, listener);
    };
    let program = c_string(arguments.next().unwrap_or_default())?;
    let arguments = std::iter::once(Ok(program.clone())).chain(arguments.map(c_string));
    let arguments = arguments.collect::<Result<Vec<_>, _>>()?;

    let environment = talk.hello(listener);
    let environment = environment.map_err(while_doing("wait for the word to go on"))?;
    let environment = read_environment(&environment);
    let environment = environment.map_err(while_doing("read the command's environment"))?;
    let connections = Force::prepare(orders)?.put()?;
    chdir(cwd.as_os_str()).map_err(while_doing("enter the command's folder"))?;
    let running = talk.running(connections.as_ref().map(AsFd::as_fd));
    running.map_err(while_doing("say that the command begins"))?;
    execve(&program, &arguments, &environment).map_err(while_doing("execute the command"))
}

/// The command's variables never were ours: the system's loader obeys some of them. The one that
/// marks all processes of the command goes on.
fn read_environment(file: &File) -> io::Result<Vec<CString>> {
    let bytes = request::all(file)?;
    let given = bytes.split(|byte| *byte == 0);
    let given = given.filter(|variable| !variable.is_empty());
    let mut all = given.map(CString::new).collect::<Result<Vec<_>, _>>()?;
    all.extend(request::marker()?);
    Ok(all)
}

fn read_orders(text: Option<OsString>) -> Result<Orders, InitError> {
    let text = text.unwrap_or_default().into_string();
    let text = text.map_err(|_| InitError::Orders("they are no text".to_owned()))?;
    serde_json::from_str(&text).map_err(|error| InitError::Orders(error.to_string()))
}

fn c_string(text: OsString) -> Result<CString, InitError> {
    CString::new(text.into_vec()).map_err(while_doing("pass an argument on"))
}
