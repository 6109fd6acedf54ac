//! tamis turns raw CRM exports into minimized, pseudonymized tables every night, keeps erased people out, and leaves
//! evidence you can check. `ARCHITECTURE.md` has the map. The library prints nothing: it reports to a [`monitor::Monitor`].

pub mod audit;
pub mod by_hand;
pub mod cell;
pub mod cli;
pub mod clock;
pub mod corrections;
pub mod daemon;
pub mod decide;
pub mod error;
pub mod evidence;
pub mod gates;
pub mod init;
pub mod invisible;
pub mod job;
pub mod key;
pub mod minimize;
pub mod monitor;
pub mod near_miss;
pub mod plain;
pub mod policy;
pub mod practice;
pub mod publish;
pub mod questions;
pub mod read;
pub mod requests;
pub mod row_local;
pub mod run;
pub mod same_name;
pub mod stage;
pub mod state;
pub mod store;
pub mod sweep;
pub mod threads;
pub mod treatments;
