//! What the task that settles the architecture says: the one that was chosen, or those to choose from with what
//! speaks for and against each. Where code is there already, going on with it is the first of them.

use super::wording::one_line;
use crate::requirements::{ArchitectureOption, Document};

/// The most options, and the most that speaks for or against one, that are listed.
const MOST_OPTIONS: usize = 10;
const MOST_SAID: usize = 6;
/// Characters of a title, of a summary, and of each thing that speaks for or against.
const LONGEST_TITLE: usize = 60;
const LONGEST_SUMMARY: usize = 500;
const LONGEST_SAID: usize = 200;

/// The title of the task, and what is to be done. `there` is what existing code is.
pub fn told_of_architecture(
    there: Option<&str>,
    document: &Document,
    chosen: Option<&ArchitectureOption>,
) -> (String, String) {
    let written = "write down its parts and where data is kept";
    if let Some(chosen) = chosen {
        let starts = there.map_or_else(String::new, |there| {
            format!(
                " The existing code is {there}: say what of it stays, and what becomes of the rest."
            )
        });
        return (
            format!(
                "Design the architecture: {}",
                one_line(&chosen.title, LONGEST_TITLE)
            ),
            format!(
                "A person chose this architecture: {} W{}.{starts}",
                one_line(&chosen.summary, LONGEST_SUMMARY),
                &written[1..]
            ),
        );
    }
    let options = || document.options.iter().take(MOST_OPTIONS);
    let mut names: Vec<String> = there
        .map(|_| "go on with what is there".to_owned())
        .into_iter()
        .collect();
    names.extend(options().map(|option| one_line(&option.title, LONGEST_TITLE)));
    if names.is_empty() {
        return (
            "Decide on an architecture".to_owned(),
            format!("No architecture is proposed or chosen. Propose one that fits, and {written}."),
        );
    }
    let mut what =
        format!("No architecture is chosen yet. Compare these, have one chosen, and {written}.\n");
    if let Some(there) = there {
        what.push_str(&format!(
            "\n- Go on with what is there: {there}.\n  For it: nothing that works has to be built again; its commands \
             and tests hold\n  Against it: what is in the way of the requirements named here has to be found and changed\n"
        ));
    }
    for option in options() {
        what.push_str(&format!(
            "\n- {}: {}\n",
            one_line(&option.title, LONGEST_TITLE),
            one_line(&option.summary, LONGEST_SUMMARY)
        ));
        for (side, said) in [("For", &option.strengths), ("Against", &option.trade_offs)] {
            let said = said.iter().take(MOST_SAID);
            let said: Vec<String> = said.map(|one| one_line(one, LONGEST_SAID)).collect();
            if !said.is_empty() {
                what.push_str(&format!("  {side} it: {}\n", said.join("; ")));
            }
        }
    }
    (
        format!("Decide on an architecture: {}", names.join(", or ")),
        what.trim_end().to_owned(),
    )
}
