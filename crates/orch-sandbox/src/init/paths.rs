//! Which files and ports may be reached, by Landlock.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::{orders::Landlock, start::InitError};

/// The newest that is asked for; older kernels do what they can, and the backend has looked before
/// whether that is enough.
const NEWEST: ABI = ABI::V7;

/// The bounds, ready to be put into force.
pub(super) struct Paths(RulesetCreated);

impl Paths {
    /// Looks all paths up. Those that do not exist are passed over: nothing is there to reach.
    pub(super) fn prepare(orders: &Landlock) -> Result<Self, InitError> {
        ruleset(orders)
            .map(Self)
            .map_err(|error| refused(error.to_string()))
    }

    /// Puts them into force for this process and all that come from it.
    pub(super) fn apply(&self) -> Result<(), InitError> {
        let rules = self
            .0
            .try_clone()
            .map_err(|error| refused(error.to_string()))?;
        let status = rules.restrict_self();
        let status = status.map_err(|error| refused(error.to_string()))?;
        match status.ruleset {
            RulesetStatus::NotEnforced => Err(refused("this kernel has no Landlock".to_owned())),
            _ => Ok(()),
        }
    }
}

fn refused(reason: String) -> InitError {
    InitError::Refused {
        what: "bound the reachable files",
        reason,
    }
}

fn ruleset(orders: &Landlock) -> Result<RulesetCreated, RulesetError> {
    let read = AccessFs::from_read(NEWEST);
    let all = AccessFs::from_all(NEWEST);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    if orders.ports.is_some() {
        rules = rules.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?;
    }
    let mut rules = rules
        .create()?
        .add_rules(path_beneath_rules(&orders.read, read))?
        .add_rules(path_beneath_rules(&orders.write, all))?;
    for port in orders.ports.iter().flatten() {
        rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    Ok(rules)
}
