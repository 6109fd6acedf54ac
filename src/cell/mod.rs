//! Cells and what they are read as: the types of columns, text, dates and times, addresses.
//! Must not know which column a cell is of, nor what is done with it.

pub mod dates;
pub mod email;
pub mod forms;
pub mod kind;
pub mod text;
pub mod why;
