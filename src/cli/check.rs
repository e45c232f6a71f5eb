//! `chancery check`: diagnostics only, on standard output.

use std::io::Write;

use super::args::CheckArgs;
use super::recall::Recall;
use super::session::{Session, To};
use super::stdout::stdout;
use super::{Trouble, Verdict, is_read};
use crate::check::OnInvalid;

/// Runs the command.
pub fn run(args: CheckArgs) -> Result<Verdict, Trouble> {
    let recall = if args.no_cache { None } else { Recall::new(&args.common, &args.input) };
    if let Some((report, verdict)) = recall.as_ref().and_then(Recall::answer) {
        let mut out = stdout();
        is_read(out.write_all(&report).and_then(|()| out.flush()))?;
        return Ok(verdict);
    }
    let (paths, form) = (args.input.paths.clone(), args.input.form.clone());
    let mut session = Session::new(args.common, args.input)?;
    let kept = recall.as_ref().and_then(|recall| session.keep_answer(recall, &paths, form.as_deref()));
    let ran = session.run_all(Vec::new(), None, OnInvalid::Skip, To::Stdout)?;
    if let (Some(recall), Some(kept), true) = (recall, kept, ran.is_complete) {
        recall.keep(kept, ran.accounts, ran.verdict);
    }
    Ok(ran.verdict)
}
