//! `chancery check`: diagnostics only, on standard output.

use super::args::CheckArgs;
use super::session::{Session, To};
use super::{Trouble, Verdict};
use crate::check::OnInvalid;

/// Runs the command.
pub fn run(args: CheckArgs) -> Result<Verdict, Trouble> {
    let session = Session::new(args.common, args.input)?;
    session.run(Vec::new(), OnInvalid::Skip, To::Stdout)
}
