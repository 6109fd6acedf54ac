//! `tamis`: see `cli`.

fn main() -> std::process::ExitCode {
    tamis::cli::main()
}
