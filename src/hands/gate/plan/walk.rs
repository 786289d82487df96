//! The walk over the parser's tree: every place where a command, a file or an assignment can hide.

use super::words::{Dialect, Word};
use super::{Arg, Invocation, Planner, builtins, feeds, globs};
use brush_parser::ast;
use pryx_terms::Access;

impl Planner<'_> {
    pub(super) fn program(&mut self, program: &ast::Program, dialect: Dialect) {
        for list in &program.complete_commands {
            self.list(list, dialect);
        }
    }

    fn list(&mut self, list: &ast::CompoundList, dialect: Dialect) {
        for ast::CompoundListItem(and_or, _) in &list.0 {
            for (_, pipeline) in and_or {
                let around = (self.reads.take(), self.prints.take());
                for command in &pipeline.seq {
                    self.reads = self.prints.take();
                    self.tree(command, dialect);
                }
                (self.reads, self.prints) = around;
            }
        }
    }

    fn tree(&mut self, command: &ast::Command, dialect: Dialect) {
        match command {
            ast::Command::Simple(simple) => self.simple(simple, dialect),
            ast::Command::Compound(compound, redirects) => {
                self.redirects(redirects.as_ref(), dialect);
                self.compound(compound, dialect);
            }
            ast::Command::Function(function) => {
                self.ask(format!("it defines a function {}", function.fname.value));
                self.redirects(function.body.1.as_ref(), dialect);
                self.compound(&function.body.0, dialect);
            }
            ast::Command::ExtendedTest(test, redirects) => {
                if dialect == Dialect::Posix {
                    self.ask("[[ means something else to sh");
                }
                self.redirects(redirects.as_ref(), dialect);
                self.test(&test.expr, dialect);
            }
        }
    }

    fn compound(&mut self, compound: &ast::CompoundCommand, dialect: Dialect) {
        use ast::CompoundCommand as C;
        match compound {
            C::Arithmetic(_) => self.ask("what an arithmetic command does"),
            C::ArithmeticForClause(clause) => {
                self.ask("what an arithmetic loop does");
                self.repeated(&clause.body.list, dialect);
            }
            C::BraceGroup(group) => self.list(&group.list, dialect),
            C::Subshell(subshell) => self.list(&subshell.list, dialect),
            C::ForClause(clause) => self.for_loop(clause, dialect),
            C::CaseClause(clause) => {
                self.word(&clause.value.value, dialect);
                for case in &clause.cases {
                    for pattern in &case.patterns {
                        self.word(&pattern.value, dialect);
                    }
                    if let Some(list) = &case.cmd {
                        self.list(list, dialect);
                    }
                }
            }
            C::IfClause(clause) => {
                self.list(&clause.condition, dialect);
                self.list(&clause.then, dialect);
                for branch in clause.elses.iter().flatten() {
                    if let Some(condition) = &branch.condition {
                        self.list(condition, dialect);
                    }
                    self.list(&branch.body, dialect);
                }
            }
            C::WhileClause(clause) | C::UntilClause(clause) => {
                self.repeated(&clause.0, dialect);
                self.repeated(&clause.1.list, dialect);
            }
            C::Coprocess(coprocess) => {
                self.ask("it starts a coprocess");
                self.tree(&coprocess.body, dialect);
            }
        }
    }

    /// The body of a loop: what comes late in it happens before what comes early in it, too.
    pub(super) fn repeated(&mut self, list: &ast::CompoundList, dialect: Dialect) {
        self.loops += 1;
        self.list(list, dialect);
        self.loops -= 1;
    }

    /// A word, its commands looked into and its questions noted.
    fn word(&mut self, raw: &str, dialect: Dialect) -> Word {
        let word = self.lexer(dialect).word(raw);
        self.note(&word, raw, dialect);
        word
    }

    fn note(&mut self, word: &Word, raw: &str, dialect: Dialect) {
        for command in &word.commands {
            self.script(command, dialect);
        }
        if let Some(why) = &word.open {
            self.ask(format!("{why}, in {raw}"));
        }
    }

    /// A word as arguments: a glob becomes what it matches.
    pub(super) fn arguments(&mut self, raw: &str, dialect: Dialect, args: &mut Vec<Arg>) {
        // `{name}>file` gives the variable a number.
        if let Some(name) = raw.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            self.loosens(name);
        }
        let word = self.word(raw, dialect);
        if word.unsure {
            return args.push(Arg::unknown(raw));
        }
        if !word.is_glob() {
            return args.push(Arg::known(&word.text()));
        }
        for directory in self.dirs.clone() {
            match globs::expand(&word.chars, &directory) {
                Some(paths) => args.extend(paths.iter().map(|path| Arg::known(path))),
                None => args.push(Arg::unknown(raw)),
            }
        }
    }

    fn simple(&mut self, simple: &ast::SimpleCommand, dialect: Dialect) {
        let mut args = Vec::new();
        let mut assigned = Vec::new();
        for item in simple.prefix.iter().flat_map(|prefix| &prefix.0) {
            self.item(item, dialect, &mut args, &mut assigned);
        }
        args.clear();
        let Some(name) = &simple.word_or_name else {
            assigned.iter().for_each(|name| self.sets(name));
            return;
        };
        for name in &assigned {
            self.sets_for_command(name);
        }
        let word = self.word(&name.value, dialect);
        let active = word.chars.iter().any(|(c, active)| *active && matches!(c, '*' | '?' | '[' | '{' | '}' | '='));
        let text = word.text();
        // `[` is a program; a name with any other active character may become something else.
        let unclear = word.unsure || (active && text != "[") || text.is_empty();
        let mut ignored = Vec::new();
        for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(item, dialect, &mut args, &mut ignored);
        }
        if unclear {
            self.ask(format!("which program {} stands for", name.value));
        } else if builtins::is_reserved(&text) {
            self.ask(format!("what {text} does here"));
        } else {
            let invocation = Invocation { name: text, args, shell: Some(dialect) };
            let prints = match self.dirs.as_slice() {
                [dir] if !redirects_output(simple) => feeds::printed(&invocation, dir, self.reads.as_ref()),
                _ => None,
            };
            self.command(invocation);
            self.prints = prints;
        }
    }

    fn item(
        &mut self,
        item: &ast::CommandPrefixOrSuffixItem,
        dialect: Dialect,
        args: &mut Vec<Arg>,
        assigned: &mut Vec<String>,
    ) {
        use ast::CommandPrefixOrSuffixItem as I;
        match item {
            I::IoRedirect(redirect) => self.redirect(redirect, dialect),
            I::Word(word) => self.arguments(&word.value, dialect, args),
            I::AssignmentWord(assignment, word) => {
                match &assignment.name {
                    ast::AssignmentName::VariableName(name) => assigned.push(name.clone()),
                    ast::AssignmentName::ArrayElementName(..) => self.ask("it sets an element of an array"),
                }
                if assignment.append {
                    self.ask("it adds to a variable");
                }
                match &assignment.value {
                    ast::AssignmentValue::Scalar(value) => drop(self.word(&value.value, dialect)),
                    ast::AssignmentValue::Array(_) => self.ask("it sets an array"),
                }
                // To `export` and its like it is an argument.
                args_of_declaration(&word.value, args);
            }
            I::ProcessSubstitution(_, subshell) => {
                if dialect == Dialect::Posix {
                    self.ask("<(…) means something else to sh");
                }
                self.list(&subshell.list, dialect);
                // A pipe under a name that the shell chooses: no option, no file of anybody.
                args.push(Arg::known("/dev/fd/63"));
            }
        }
    }

    fn redirects(&mut self, redirects: Option<&ast::RedirectList>, dialect: Dialect) {
        for redirect in redirects.iter().flat_map(|list| &list.0) {
            self.redirect(redirect, dialect);
        }
    }

    fn redirect(&mut self, redirect: &ast::IoRedirect, dialect: Dialect) {
        match redirect {
            ast::IoRedirect::File(_, kind, target) => self.redirect_file(kind, target, dialect),
            ast::IoRedirect::HereDocument(_, document) => self.here_document(document, dialect),
            ast::IoRedirect::HereString(_, word) => drop(self.word(&word.value, dialect)),
            ast::IoRedirect::OutputAndError(word, append) => {
                self.touch(&word.value, if *append { add } else { write }, dialect);
            }
        }
    }

    fn redirect_file(&mut self, kind: &ast::IoFileRedirectKind, target: &ast::IoFileRedirectTarget, dialect: Dialect) {
        use ast::IoFileRedirectKind as K;
        let how = match kind {
            K::Read | K::DuplicateInput => read,
            K::Append => add,
            _ => write,
        };
        match target {
            ast::IoFileRedirectTarget::Filename(word) => self.touch(&word.value, how, dialect),
            ast::IoFileRedirectTarget::Fd(_) => {}
            ast::IoFileRedirectTarget::ProcessSubstitution(_, subshell) => self.list(&subshell.list, dialect),
            ast::IoFileRedirectTarget::Duplicate(word) => {
                let digits = word.value.trim_end_matches('-');
                if digits.chars().all(|c| c.is_ascii_digit()) {
                    return;
                }
                // bash expands such a word twice: a quoted `$(…)` in it is run.
                if word.value.contains(['$', '`', '\\']) {
                    self.ask(format!("which file {} is", word.value));
                }
                self.touch(&word.value, how, dialect);
            }
        }
    }

    fn touch(&mut self, raw: &str, how: fn(String) -> Access, dialect: Dialect) {
        let word = self.word(raw, dialect);
        if word.unsure || word.is_glob() {
            return self.ask(format!("which file {raw} is"));
        }
        for path in self.places(&word.text()) {
            self.files.push(how(path));
        }
    }

    fn here_document(&mut self, document: &ast::IoHereDocument, dialect: Dialect) {
        let tag = document.here_end.value.as_str();
        let quoted = tag.contains(['\'', '"', '\\']);
        let bare = tag.trim_matches(|c| c == '\'' || c == '"');
        let plain = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain || quoted == document.requires_expansion {
            return self.ask("where a here-document ends");
        }
        if document.requires_expansion {
            let word = self.lexer(dialect).here_document(&document.doc.value);
            self.note(&word, "a here-document", dialect);
        }
    }

    fn test(&mut self, expr: &ast::ExtendedTestExpr, dialect: Dialect) {
        use ast::{BinaryPredicate as B, ExtendedTestExpr as E, UnaryPredicate as U};
        match expr {
            E::And(left, right) | E::Or(left, right) => {
                self.test(left, dialect);
                self.test(right, dialect);
            }
            E::Not(inner) | E::Parenthesized(inner) => self.test(inner, dialect),
            E::UnaryTest(predicate, word) => {
                if matches!(predicate, U::ShellVariableIsSetAndAssigned | U::ShellVariableIsSetAndNameRef) {
                    self.ask("a test evaluates the name of a variable");
                }
                self.word(&word.value, dialect);
            }
            E::BinaryTest(predicate, left, right) => {
                let evaluates = matches!(
                    predicate,
                    B::ArithmeticEqualTo
                        | B::ArithmeticNotEqualTo
                        | B::ArithmeticLessThan
                        | B::ArithmeticLessThanOrEqualTo
                        | B::ArithmeticGreaterThan
                        | B::ArithmeticGreaterThanOrEqualTo
                );
                for word in [left, right] {
                    let word = self.word(&word.value, dialect);
                    // `[[` evaluates both sides of -eq, and a variable's value may hold a command.
                    if evaluates && (word.unsure || !word.chars.iter().all(|(c, _)| c.is_ascii_digit())) {
                        self.ask("a test evaluates an expression");
                    }
                }
            }
        }
    }
}

fn read(path: String) -> Access {
    Access::Read { path }
}

fn add(path: String) -> Access {
    Access::Add { path }
}

fn write(path: String) -> Access {
    Access::Write { path }
}

/// Whether more or less than a command's own output goes down the pipe; its complaints may be thrown away.
fn redirects_output(simple: &ast::SimpleCommand) -> bool {
    let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
    let mut items = prefix.chain(simple.suffix.iter().flat_map(|suffix| &suffix.0));
    items.any(|item| match item {
        ast::CommandPrefixOrSuffixItem::IoRedirect(ast::IoRedirect::File(
            Some(2),
            _,
            ast::IoFileRedirectTarget::Filename(word),
        )) => word.value != "/dev/null",
        ast::CommandPrefixOrSuffixItem::IoRedirect(_) => true,
        _ => false,
    })
}

/// `NAME=value` after a command word: `export A=b` as well as `echo a=b`.
fn args_of_declaration(raw: &str, args: &mut Vec<Arg>) {
    let known = raw.chars().all(|c| c.is_ascii_alphanumeric() || "_=./:-+,%@".contains(c));
    args.push(if known { Arg::known(raw) } else { Arg::unknown(raw) });
}
