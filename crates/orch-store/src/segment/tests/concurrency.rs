use std::sync::mpsc;
use std::thread;

use super::*;

const CHUNKS: u64 = 400;
const READERS: usize = 4;

#[test]
fn readers_see_every_synced_chunk_while_the_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = small_segments(dir.path(), 2000);
    let reader = SegmentReader::new(dir.path());
    let places = thread::scope(|scope| {
        let (announce, readers): (Vec<_>, Vec<_>) = (1..=READERS)
            .map(|stride| {
                let (announce, synced) = mpsc::channel::<Location>();
                let reader = reader.clone();
                let follow = move || {
                    let mut places = Vec::new();
                    for (n, place) in synced.iter().enumerate() {
                        places.push(place);
                        assert_eq!(reader.read(place).unwrap(), chunk(n as u64));
                        // And an old one, so that files are opened and closed all the time.
                        let old = n * 31 / 32 / stride;
                        assert_eq!(reader.read(places[old]).unwrap(), chunk(old as u64));
                    }
                    places
                };
                (announce, scope.spawn(follow))
            })
            .unzip();
        let mut places = Vec::new();
        for first in (0..CHUNKS).step_by(10) {
            let group: Vec<_> = (first..first + 10)
                .map(|n| append(&mut writer, &chunk(n)))
                .collect();
            writer.sync().unwrap();
            for announce in &announce {
                group
                    .iter()
                    .for_each(|place| announce.send(*place).unwrap());
            }
            places.extend(group);
        }
        drop(announce);
        for reader in readers {
            assert_eq!(reader.join().unwrap(), places);
        }
        places
    });
    check_reads(dir.path(), &places);
}
