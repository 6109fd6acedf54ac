//! R32: whether a person has consented. Judged per person, unknown = no.

/// What is known of one person's consent; instants are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PersonConsent {
    /// Every row says yes.
    pub yes: bool,
    /// The earliest `since` of the rows; `NO_SINCE` when one has none.
    pub since: i64,
    /// The latest withdrawal; `i64::MIN` for none.
    pub withdrawn: i64,
    /// A list has a consent of the person, whether it holds or not.
    pub listed: bool,
    /// The latest start of a listed consent that holds.
    pub listed_from: i64,
    /// Its end; `i64::MIN` when no listed consent holds.
    pub listed_until: i64,
}

/// The consent that is given, as (since, until), or none. With a consent column the rows decide, and a list may only end
/// what they say: a person of whom it has consents and none that holds has said no there. Without a column the list
/// decides. After a withdrawal only what was given later counts.
pub(super) fn given(person: &PersonConsent, column: bool) -> Option<(i64, i64)> {
    let holds = person.listed_until != i64::MIN;
    let (said, since, until) = match (column, holds) {
        (true, true) => (person.yes, person.since, person.listed_until),
        (true, false) => (person.yes && !person.listed, person.since, i64::MAX),
        (false, _) => (holds, person.listed_from, person.listed_until),
    };
    (said && stands(since, person.withdrawn)).then_some((since, until))
}

/// Says whether a consent since an instant stands beside the latest withdrawal, which is `i64::MIN` for none.
pub(super) fn stands(since: i64, withdrawn: i64) -> bool {
    withdrawn == i64::MIN || since > withdrawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::NO_SINCE;

    const NOTHING: PersonConsent = PersonConsent {
        yes: false,
        since: NO_SINCE,
        withdrawn: i64::MIN,
        listed: false,
        listed_from: NO_SINCE,
        listed_until: i64::MIN,
    };

    #[test]
    fn r32_rows_decide_where_there_is_a_column() {
        let yes = PersonConsent { yes: true, ..NOTHING };
        assert_eq!(given(&yes, true), Some((NO_SINCE, i64::MAX)), "without a withdrawal no since is needed");
        assert_eq!(given(&NOTHING, true), None);
        let listed = PersonConsent { listed: true, listed_until: 99, ..NOTHING };
        assert_eq!(given(&listed, true), None, "a list mends no no");
        assert_eq!(given(&PersonConsent { yes: true, ..listed }, true), Some((NO_SINCE, 99)), "both say yes");
        let over = PersonConsent { listed: true, ..yes };
        assert_eq!(given(&over, true), None, "a list that has none which holds says no");
        assert_eq!(given(&PersonConsent { since: 6, ..over }, true), None, "whenever the column's was given");
        assert_eq!(given(&PersonConsent { withdrawn: 5, yes: true, ..listed }, true), None, "a withdrawal beats both");
        for (since, withdrawn, expected) in
            [(NO_SINCE, 5, false), (4, 5, false), (5, 5, false), (6, 5, true), (6, i64::MAX, false)]
        {
            let person = PersonConsent { since, withdrawn, ..yes };
            assert_eq!(given(&person, true).is_some(), expected, "{since} {withdrawn}");
        }
    }

    #[test]
    fn r32_a_list_decides_where_there_is_none() {
        assert_eq!(given(&PersonConsent { yes: true, ..NOTHING }, false), None);
        let listed = PersonConsent { listed: true, listed_from: 3, listed_until: 99, ..NOTHING };
        assert_eq!(given(&listed, false), Some((3, 99)));
        assert_eq!(given(&PersonConsent { withdrawn: 3, ..listed }, false), None);
        assert_eq!(given(&PersonConsent { withdrawn: 2, ..listed }, false), Some((3, 99)));
    }
}
