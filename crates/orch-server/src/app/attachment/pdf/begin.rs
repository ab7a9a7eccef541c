//! The program as the reader of one PDF: it takes all that it does not need from itself, reads, answers and
//! ends. It must never open a file, read a setting or outlive whoever started it.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::process;
use std::thread;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::pages::pages;
use super::{ARGUMENT, LONGEST_REASON, MOST_CPU_SECONDS, MOST_MEMORY_BYTES, READ, REFUSED};

/// Deep structures are followed by recursion.
const STACK_BYTES: usize = 8 * 1024 * 1024;
/// It could not even begin.
const NOT_BEGUN: i32 = 3;
/// Whoever started it is gone.
const LEFT: i32 = 4;
/// The reading thread failed.
const BROKE: i32 = 5;

/// Reads a PDF and ends the program, where the program was started for that; else does nothing.
pub fn begin_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(ARGUMENT)) {
        return;
    }
    let mut number = || arguments.next()?.to_str()?.parse::<usize>().ok();
    let (Some(size), Some(most)) = (number(), number()) else {
        eprintln!("this is started by a server, and not by hand");
        process::exit(NOT_BEGUN);
    };
    if let Err(error) = give_up_all() {
        eprintln!("failed to set the bounds of reading a PDF: {error}");
        process::exit(NOT_BEGUN);
    }
    match serve(size, most) {
        Ok(()) => process::exit(0),
        Err(_) => process::exit(BROKE),
    }
}

/// Bounds that nothing in this process can lift again.
fn give_up_all() -> io::Result<()> {
    prctl::set_dumpable(false)?;
    for (resource, most) in [
        (Resource::RLIMIT_AS, MOST_MEMORY_BYTES),
        (Resource::RLIMIT_CPU, MOST_CPU_SECONDS),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        // Those that are open; no more.
        (Resource::RLIMIT_NOFILE, 3),
    ] {
        let (_, hard) = getrlimit(resource)?;
        let most = most.min(hard);
        setrlimit(resource, most, most)?;
    }
    Ok(())
}

fn serve(size: usize, most: usize) -> io::Result<()> {
    let mut bytes = vec![0; size];
    let mut input = io::stdin();
    input.read_exact(&mut bytes)?;
    // The server keeps the input open for as long as it wants the answer: if it dies, however that
    // happens, the kernel closes it.
    thread::Builder::new().spawn(move || {
        let _ = input.read(&mut [0]);
        process::exit(LEFT);
    })?;
    let reading = thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || pages(&bytes, most))?;
    let read = reading
        .join()
        .map_err(|_| io::Error::other("the reading thread failed"))?;
    let (mark, said) = match &read {
        Ok(text) => (READ, text.as_str()),
        Err(reason) => {
            let end = reason.floor_char_boundary(LONGEST_REASON);
            (REFUSED, &reason[..end])
        }
    };
    let mut output = io::stdout();
    output.write_all(&[mark])?;
    output.write_all(said.as_bytes())?;
    output.flush()
}
