//! The main job as a whole: case folders, crashes, properties of the bytes, the command line, real files.

mod cases;
mod cli;
mod corpora;
mod crash;
mod diversity;
mod others;
mod place;
mod process;
mod refused;
mod same_bytes;
mod table;
mod undated;
mod zones;
