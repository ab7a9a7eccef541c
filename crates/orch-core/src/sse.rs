//! Reading event streams (the HTML standard's `text/event-stream`), however their bytes are cut: those of the
//! server, for its clients, and those of models.
//!
//! Bounded: an event that does not end is an error, not memory.

/// The largest event that is read, in bytes.
pub const LARGEST_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `message` where the stream names none.
    pub name: String,
    pub data: String,
    /// The last id that the stream has given.
    pub id: Option<String>,
}

/// The event does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    pub limit_bytes: usize,
}

/// Turns bytes into events.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    after_carriage_return: bool,
    name: String,
    data: String,
    has_data: bool,
    id: Option<String>,
}

impl Reader {
    /// Takes the next bytes; the events that they complete are added to `events`.
    ///
    /// # Errors
    /// When an event is larger than [`LARGEST_EVENT_BYTES`].
    pub fn feed(&mut self, bytes: &[u8], events: &mut impl Extend<Event>) -> Result<(), TooLarge> {
        for &byte in bytes {
            let follows_return = std::mem::take(&mut self.after_carriage_return);
            match byte {
                b'\n' if follows_return => {}
                b'\n' | b'\r' => {
                    self.after_carriage_return = byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_line(&String::from_utf8_lossy(&line)));
                }
                _ if self.line.len() + self.data.len() >= LARGEST_EVENT_BYTES => {
                    return Err(TooLarge {
                        limit_bytes: LARGEST_EVENT_BYTES,
                    });
                }
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field.trim_start_matches('\u{feff}') {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // Comments keep the connection open; what else there is, the standard says to pass over.
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        let has_data = std::mem::take(&mut self.has_data);
        let name = if name.is_empty() {
            "message".to_owned()
        } else {
            name
        };
        has_data.then(|| Event {
            name,
            data,
            id: self.id.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str, id: Option<&str>) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
            id: id.map(Into::into),
        }
    }

    #[test]
    fn events_are_the_same_wherever_the_bytes_are_cut() {
        let stream = "\u{feff}id: 1\r\nevent: line\r\ndata: é\r\ndata:b\r\n\r\n: keep-alive\n\nid:2\rdata\r\r\
                      event: end\ndata: {\"x\": 1}\n\nevent: lost\n\ndata: not yet ended\n";
        let expected = [
            event("line", "é\nb", Some("1")),
            event("message", "", Some("2")),
            event("end", "{\"x\": 1}", Some("2")),
        ];
        for cut in 0..stream.len() {
            let (one, two) = stream.as_bytes().split_at(cut);
            let (mut reader, mut events) = (Reader::default(), Vec::new());
            reader.feed(one, &mut events).unwrap();
            reader.feed(two, &mut events).unwrap();
            assert_eq!(events, expected, "cut at {cut}");
        }
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut reader = Reader::default();
        let endless = vec![b'x'; LARGEST_EVENT_BYTES + 1];
        assert_eq!(
            reader.feed(&endless, &mut Vec::new()),
            Err(TooLarge {
                limit_bytes: LARGEST_EVENT_BYTES
            })
        );
    }
}
