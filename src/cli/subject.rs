//! `tamis subject …`: a request of one person, or what is known of one. Values come from standard input, never from
//! arguments, where other users of the machine and the shell's history would see them. Nothing of a value is shown.

use super::access;
use super::lines::Lines;
use super::refusal;
use super::render;
use super::settings::{self, Settings};
use super::subject_args::{GroundAsked, SubjectArgs, SubjectVerb};
use super::verdict::counted;
use super::who;
use crate::by_hand::{self, Asked, RequestTerms, Stored};
use crate::clock::{self, Clock, System};
use crate::error::Result;
use crate::policy::{Effect, Ground};
use crate::questions::{KnownPerson, LinkBond, find};

/// Carries out the command.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors of the state.
pub fn carry_out(settings: &Settings, args: &SubjectArgs, json: bool) -> Result<String> {
    let effect = match args.verb {
        SubjectVerb::Export => return access::export(settings, args, json),
        SubjectVerb::Refuse => return refusal::refuse(settings, args, json),
        SubjectVerb::Find => None,
        SubjectVerb::Erase => Some(Effect::Erase),
        SubjectVerb::Restrict => Some(Effect::Restrict),
        SubjectVerb::Object => Some(Effect::Object),
        SubjectVerb::OptOut => Some(Effect::OptOut),
        SubjectVerb::Withdraw => Some(Effect::Withdraw),
        SubjectVerb::Hold => Some(Effect::Hold),
        SubjectVerb::Lift => Some(Effect::Lift),
    };
    let asked = effect.map(|effect| asked(effect, args)).transpose()?;
    let mut call = settings.subject_call();
    if effect != Some(Effect::Lift) {
        call.values = who::values()?;
        // Typing takes its time: a run in between has not seen the request.
        call.now = System.now();
    }
    let Some(asked) = asked else {
        let known = find::find(&call)?;
        return if json { render::json(&known) } else { Ok(found(&known)) };
    };
    let stored = by_hand::ask(&call, asked)?;
    if json { render::json(&stored) } else { Ok(told(&stored)) }
}

fn asked(effect: Effect, args: &SubjectArgs) -> Result<Asked> {
    Ok(Asked {
        effect,
        request: args.request_id()?,
        purposes: args.purposes.clone(),
        received: args.received.as_deref().map(settings::time).transpose()?,
        lifts: args.lifts.clone(),
        lift_erase: args.lift_erase,
        lift_several: args.several_persons,
        terms: terms(args)?,
    })
}

fn terms(args: &SubjectArgs) -> Result<RequestTerms> {
    let ground = args.ground.map(|ground| match ground {
        GroundAsked::A => Ground::A,
        GroundAsked::B => Ground::B,
        GroundAsked::C => Ground::C,
        GroundAsked::D => Ground::D,
    });
    Ok(RequestTerms {
        ground,
        informed: settings::day(args.informed.as_deref())?,
        until: settings::day(args.until.as_deref())?,
        review_by: settings::day(args.review_by.as_deref())?,
    })
}

fn told(stored: &Stored) -> String {
    let mut out = String::new();
    let what = if stored.new { "stored" } else { "stored before" };
    let values = counted(stored.identities as u64, "value");
    out.line(format_args!("{what}: request {} ({}), {values}", stored.request, stored.effect));
    if stored.raw > 0 {
        out.line(format_args!(
            "without a normal form, so that only the same spelling matches: {}",
            counted(stored.raw as u64, "value")
        ));
    }
    if stored.raw > 0 && stored.raw == stored.identities {
        out.push_str(
            "! it names nobody who can be found for certain: give it again with a value that has a normal form, and end this one \
             with a lift\n",
        );
    }
    if let Some(lift) = stored.lift {
        out.line(format_args!("received {}; it {lift}", stored.received.to_seconds()));
        return out;
    }
    if stored.shares_id {
        out.push_str(
            "! a request under this id names other values: give every person an id of its own; as long as nothing ties them, a \
             lift ends neither (R54)\n",
        );
    }
    out.line(format_args!("received {}, due {}", stored.received.to_seconds(), stored.due.to_seconds()));
    match stored.binds.as_slice() {
        [] if stored.effect == "hold" => out.push_str("files with the person are not removed for good (R34)\n"),
        [] => out.push_str("it binds no job here (R29); it is stored all the same\n"),
        jobs => {
            out.line(format_args!("binds: {}; the next run or sweep of each applies it", jobs.join(", ")));
        }
    }
    out
}

fn found(known: &KnownPerson) -> String {
    let mut out = String::new();
    let values = counted(known.identities as u64, "value");
    out.line(format_args!("asked for {values}, {} without a normal form", known.raw));
    for d in &known.datasets {
        let (rows, persons) = (counted(d.rows, "row"), counted(d.subjects, "person"));
        out.line(format_args!("{} version {}: {rows} of {persons}", d.dataset, d.version));
        if d.no_job {
            out.line(format_args!(
                "  served by no job any more (the last one was {}): no request is applied there",
                d.job
            ));
        }
        let e = &d.erasure;
        out.line(format_args!(
            "  an erasure of these values reaches {} of {}: {} by strong links, {} by a weak value",
            counted(e.rows, "row"),
            counted(e.subjects, "person"),
            e.by_strong_links,
            e.by_weak_values
        ));
        for link in &e.links {
            let column = link.column.as_deref().unwrap_or("a column that is not known any more");
            let how = match link.bond {
                LinkBond::Given => "has a value that was given",
                LinkBond::Strong => "is reached by strong links",
                LinkBond::ViaWeak if link.role == "weak" => "has a value that one of these persons has, too",
                LinkBond::ViaWeak => "names a person that a weak value leads to",
            };
            out.line(format_args!("    {column} ({}) {how}: {}", link.role, counted(link.rows, "row")));
        }
        if let Some(why) = e.review {
            out.line(format_args!("  the request would need a review: {why}"));
        }
    }
    if !known.datasets.is_empty() {
        out.push_str(
            "links are followed over published rows; rows that the next export adds may lead to more persons\n",
        );
    }
    if known.requests.is_empty() {
        out.push_str("no request knows these values\n");
    }
    for r in &known.requests {
        let (how, ended) = (if r.named { "names" } else { "reaches" }, if r.ended { ", lifted" } else { "" });
        out.line(format_args!(
            "request {} ({}, {}) {how} them: received {}, due {}{ended}",
            r.request,
            r.effect,
            r.list,
            clock::local(r.received, &r.zone),
            clock::local(r.due, &r.zone)
        ));
        r.states.iter().for_each(|(job, state)| {
            let why = r.review.get(job).map_or(String::new(), |why| format!(": {why}"));
            out.line(format_args!("  {job}: {state}{why}"));
        });
    }
    out
}
