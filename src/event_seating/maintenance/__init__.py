"""Operations on stored data: `verify` checks it against the log, `archive` moves old logs."""
