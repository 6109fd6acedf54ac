//! This process as its machine knows it, so that the lease of one that was killed is free at once. Linux only: elsewhere
//! a lease ends by itself.

use crate::state::Process;

/// Returns this process as leases name it; none where the system cannot say it.
pub fn this() -> Option<Process> {
    let number = std::process::id();
    Some(Process { machine: machine()?, number, began: began(number)?? })
}

/// Whether a process has ended; none for one of another machine, or of a container that this one does not see.
pub fn ended(process: &Process) -> Option<bool> {
    if machine()? != process.machine {
        return None;
    }
    began(process.number).map(|began| began != Some(process.began))
}

/// This start of the machine, and the processes that are seen from here.
fn machine() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let seen = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), seen.display()))
}

/// When a process began, in ticks since the start of the machine; none inside when there is no such process.
fn began(number: u32) -> Option<Option<u64>> {
    let facts = match std::fs::read_to_string(format!("/proc/{number}/stat")) {
        Ok(facts) => facts,
        Err(error) => return (error.kind() == std::io::ErrorKind::NotFound).then_some(None),
    };
    // The name in brackets may hold anything. The state is the third field, the time the twenty-second.
    let mut fields = facts.rsplit_once(')')?.1.split_ascii_whitespace();
    let dead = matches!(fields.next()?, "Z" | "X");
    let began = fields.nth(18)?.parse().ok()?;
    Some((!dead).then_some(began))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_has_ended_and_only_its_machine_can_tell() {
        let Some(own) = this() else { return };
        assert_eq!(ended(&own), Some(false));
        assert_eq!(ended(&Process { began: own.began + 1, ..own.clone() }), Some(true), "its number was used again");
        assert_eq!(ended(&Process { number: u32::MAX, ..own.clone() }), Some(true));
        assert_eq!(ended(&Process { machine: "another".into(), ..own }), None);
    }
}
