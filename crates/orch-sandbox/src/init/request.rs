//! A command as the first program is told it, in a file in memory: its variables may be secret, and
//! no command line shows them.

use std::{
    ffi::{CString, OsString},
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStringExt,
            fs::{FileExt, MetadataExt},
        },
    },
};

use nix::{
    sys::memfd::{MFdFlags, memfd_create},
    unistd::{AccessFlags, access},
};

use crate::exec::MARKER_VARIABLE;

/// A command that is told over the socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The folder it starts in.
    pub(crate) cwd: CString,
    /// The program's path, and its arguments, of which the first is that path as well.
    pub(crate) line: Vec<CString>,
    /// `NAME=value`.
    pub(crate) environment: Vec<CString>,
}

impl Request {
    /// Writes it into a file in memory: folder, number of arguments, arguments, variables, each
    /// with a NUL after it.
    ///
    /// # Errors
    /// When the system has no memory left.
    pub(crate) fn write(&self) -> io::Result<OwnedFd> {
        let count = CString::new(self.line.len().to_string())?;
        let texts = [&self.cwd, &count]
            .into_iter()
            .chain(&self.line)
            .chain(&self.environment);
        let mut bytes = Vec::new();
        for text in texts {
            bytes.extend_from_slice(text.as_bytes_with_nul());
        }
        in_memory(&bytes)
    }

    /// Reads what [`Self::write`] wrote.
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let bytes = all(file)?;
        let mut texts = bytes
            .split_inclusive(|byte| *byte == 0)
            .map(|text| CString::from_vec_with_nul(text.to_vec()).map_err(io::Error::other));
        let mut next = || texts.next().unwrap_or_else(|| Err(too_short()));
        let cwd = next()?;
        let count = next()?.into_string().map_err(io::Error::other)?;
        let count: usize = count.parse().map_err(io::Error::other)?;
        let line = (0..count).map(|_| next()).collect::<io::Result<_>>()?;
        Ok(Self {
            cwd,
            line,
            environment: texts.collect::<io::Result<_>>()?,
        })
    }
}

/// A file in memory that holds these bytes.
pub(super) fn in_memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let file = memfd_create(c"command", MFdFlags::MFD_CLOEXEC)?;
    File::from(file.try_clone()?).write_all_at(bytes, 0)?;
    Ok(file)
}

/// What a file in memory holds, wherever somebody has read it up to.
pub(super) fn all(file: &File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.size();
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

impl Request {
    /// The program's file: a name without a slash is looked for along the command's own `PATH`.
    pub(super) fn program(&self) -> CString {
        let program = self.line.first().cloned().unwrap_or_default();
        if program.as_bytes().contains(&b'/') {
            return program;
        }
        let path = self
            .environment
            .iter()
            .find_map(|variable| variable.as_bytes().strip_prefix(b"PATH="));
        let folders = path.unwrap_or_default().split(|byte| *byte == b':');
        let mut files = folders
            .filter_map(|folder| CString::new([folder, b"/", program.as_bytes()].concat()).ok());
        let is_there = |file: &CString| access(file.as_c_str(), AccessFlags::X_OK).is_ok();
        files.find(is_there).unwrap_or(program)
    }
}

/// The variable that marks all processes of a sandbox, as the first program has it.
pub(super) fn marker() -> io::Result<Option<CString>> {
    let Some(marker) = std::env::var_os(MARKER_VARIABLE) else {
        return Ok(None);
    };
    let mut variable = OsString::from(MARKER_VARIABLE);
    variable.push("=");
    variable.push(marker);
    Ok(Some(CString::new(variable.into_vec())?))
}

fn too_short() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the command is not complete")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<CString> {
        texts
            .iter()
            .map(|text| CString::new(*text).unwrap())
            .collect()
    }

    #[test]
    fn what_is_written_is_read() {
        for (line, environment) in [
            (
                texts(&["/bin/sh", "-c", "", "a\nb"]),
                texts(&["A=", "B=c d"]),
            ),
            (Vec::new(), Vec::new()),
        ] {
            let request = Request {
                cwd: c"/work".to_owned(),
                line,
                environment,
            };
            let file = File::from(request.write().unwrap());
            assert_eq!(Request::read(&file).unwrap(), request);
        }
    }

    #[test]
    fn what_is_cut_off_or_no_request_is_an_error() {
        for bytes in [
            &b""[..],
            b"/",
            b"/\0",
            b"/\x009\0a\0",
            b"/\0x\0",
            b"/\x001\0a",
        ] {
            let file = File::from(in_memory(bytes).unwrap());
            assert!(Request::read(&file).is_err(), "{bytes:?}");
        }
    }
}
