//! Which files and ports may be reached, by Landlock.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};

use super::{orders::Landlock, start::InitError};

/// The newest that is asked for; older kernels do what they can, and the backend has looked before
/// whether that is enough.
const NEWEST: ABI = ABI::V7;

/// Puts the bounds into force. Paths that do not exist are passed over: nothing is there to reach.
pub(super) fn bound(orders: &Landlock) -> Result<(), InitError> {
    let refused = |reason: String| InitError::Refused {
        what: "bound the reachable files",
        reason,
    };
    let status = restrict(orders).map_err(|error| refused(error.to_string()))?;
    if status == RulesetStatus::NotEnforced {
        return Err(refused("this kernel has no Landlock".to_owned()));
    }
    Ok(())
}

fn restrict(orders: &Landlock) -> Result<RulesetStatus, landlock::RulesetError> {
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
    Ok(rules.restrict_self()?.ruleset)
}
