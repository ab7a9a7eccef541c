//! The text of a PDF. A file of others is read in a process of its own, which the kernel ends where it takes
//! too much memory or time; what is wrong with it is said in words that follow the file's name.

mod begin;
mod pages;
mod reader;

pub use begin::begin_if_asked;
pub use reader::{Unread, text};

/// The first argument of a program that is to read a PDF: the size of the file and the most bytes of its
/// text follow. On its standard input it gets the file, on its output it says [`READ`] and the text, or
/// [`REFUSED`] and the reason. It ends when its input does.
const ARGUMENT: &str = "read-pdf-for-the-server";
const READ: u8 = b'+';
const REFUSED: u8 = b'-';
/// What a refusal may say, in bytes.
const LONGEST_REASON: usize = 4 * 1024;
/// What reading may take of memory, the program itself included.
const MOST_MEMORY_BYTES: u64 = 512 * 1024 * 1024;
/// What reading may take of a processor.
const MOST_CPU_SECONDS: u64 = 10;
