//! Digests of specs: BLAKE3 over their JSON with the keys of every table sorted, fields in the job's order. Comments,
//! layout and the order of tables do not count.

use super::job_spec::JobSpec;
use super::policy_spec::PolicySpec;
use super::source_spec::SourceSpec;
use serde::Serialize;

#[derive(Serialize)]
struct Bundle<'a> {
    policy: &'a PolicySpec,
    source: &'a SourceSpec,
    observe: &'a [&'a SourceSpec],
    job: &'a JobSpec,
}

fn of<T: Serialize>(specs: &T) -> Option<String> {
    // Through `Value`, whose objects are sorted; `None` cannot happen with these types.
    let json = serde_json::to_value(specs).and_then(|value| serde_json::to_vec(&value)).ok()?;
    Some(blake3::hash(&json).to_hex().to_string())
}

/// BLAKE3 hex of the policy file.
pub(super) fn policy(spec: &PolicySpec) -> Option<String> {
    of(spec)
}

/// BLAKE3 hex of policy, source, observed sources and job together.
pub(super) fn plan(policy: &PolicySpec, source: &SourceSpec, observe: &[&SourceSpec], job: &JobSpec) -> Option<String> {
    of(&Bundle { policy, source, observe, job })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "spec = 1\nname = \"a\"\nsource = \"b\"\ninput = \"raw:c\"\npurpose = \"d\"\noutput = \"lake:e\"\n\
        [retention]\nkeep = \"P1Y\"\n[fields]\nx = { treat = \"constant\", value = \"1\" }\n\
        y = { treat = \"map\", from = \"Y\", default = \"-\", values = { p = \"1\", q = \"2\" } }\n";

    fn job(text: &str) -> Option<String> {
        toml::from_str::<JobSpec>(text).ok().and_then(|spec| of(&spec))
    }

    #[test]
    fn layout_does_not_count_and_order_only_for_fields() {
        let whole = job(JOB);
        assert!(whole.is_some());
        assert_eq!(whole, job(&format!("# a comment\n{}", JOB.replace(" = ", "  =  "))));
        assert_eq!(whole, job(&JOB.replace("p = \"1\", q = \"2\"", "q = \"2\", p = \"1\"")));
        assert_eq!(whole, job(&JOB.replace("name = \"a\"\nsource = \"b\"", "source = \"b\"\nname = \"a\"")));
        let lines: Vec<_> = JOB.lines().collect();
        let swapped = [&lines[..9], &[lines[10], lines[9]]].concat().join("\n");
        assert_ne!(whole, job(&swapped));
        assert_ne!(whole, job(&JOB.replace("P1Y", "P2Y")));
    }
}
