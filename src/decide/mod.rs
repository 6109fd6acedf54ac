//! What happens to each row, and whether the run may be published. One file per rule; pure.
//! Must not know I/O or raw values.
