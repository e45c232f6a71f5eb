//! The `chancery` program.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(debug_assertions)]
    if let Ok(fault) = std::env::var("CHANCERY_FAULT")
        && let Err(error) = chancery::output::fault::inject(&fault)
    {
        eprintln!("CHANCERY_FAULT: {error}");
        return ExitCode::from(2);
    }
    chancery::cli::main()
}
