//! `for` over words that are known: the body is walked once for each, with the variable standing for it.

use super::Planner;
use super::words::Dialect;
use brush_parser::ast;

/// Most rounds of all loops of a plan; each walks its body anew. With more, the variable stays unknown.
const MOST_ROUNDS: usize = 300;

impl Planner<'_> {
    pub(super) fn for_loop(&mut self, clause: &ast::ForClauseCommand, dialect: Dialect) {
        let name = &clause.variable_name;
        self.sets(name);
        let mut values = Vec::new();
        for word in clause.values.iter().flatten() {
            self.arguments(&word.value, dialect, &mut values);
        }
        let known = clause.values.is_some() && !values.is_empty() && values.iter().all(|value| !value.unsure);
        let rounds = self.rounds.saturating_add(values.len());
        if !known || rounds > MOST_ROUNDS {
            return self.repeated(&clause.body.list, dialect);
        }
        self.rounds = rounds;
        for value in values {
            self.bound.push((name.clone(), value.text));
            self.repeated(&clause.body.list, dialect);
            self.bound.pop();
        }
    }

    /// Something sets a variable that a loop around it has given a value: then what it stands for is not known.
    pub(super) fn loosens(&mut self, name: &str) {
        if self.bound.iter().any(|(bound, _)| bound == name) {
            self.ask("it changes the variable of a loop");
        }
    }
}
