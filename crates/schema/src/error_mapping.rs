//! Turns the validator's errors into findings: each at the smallest place that is wrong, with what was expected, what was
//! found, and where possible what to do.
//!
//! The validator points at objects where a name is wrong, gives one error for many names, and leaves the choice among the
//! branches of `anyOf` and `oneOf` open; all of that is settled here. Runs only when something is wrong.

use std::cell::RefCell;
use std::collections::HashMap;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

use super::error_message::{ErrorMessages, Findings};
use super::{Part, Schema, Shape, Types, json_impl, messages};
use chancery_core::diagnostic::hint::{Budget, nearest};
use chancery_core::diagnostic::{Diagnostic, Edit, Fix, Omitted, Place, Rule, Safety, Scalar, quote, rules};
use chancery_core::growth::{step, steps};
use chancery_core::source::Span;
use chancery_core::tree::{Kind, Member, Node, NodeId, number, pointer};

/// What errors are explained by.
pub struct ErrorMapper<'e> {
    /// The record.
    pub root: Node<'e>,
    /// Where the demands are written.
    pub schema: Option<&'e Schema>,
    /// What is known of each value.
    pub shape: &'e Shape,
    /// How much may be spent on looking for names and values that are meant.
    pub hints: &'e Budget,
    /// How many findings are kept.
    pub limit: usize,
    /// The children of large containers.
    pub index: Index<'e>,
}

/// The children of large containers, by number and name. A container is indexed when it is first asked for a child, so that
/// looking up each of its children takes time proportional to their number.
#[derive(Default)]
pub struct Index<'e> {
    items: RefCell<HashMap<NodeId, Vec<Node<'e>>>>,
    members: RefCell<HashMap<NodeId, HashMap<&'e str, Member<'e>>>>,
}

impl<'e> Index<'e> {
    const FEW: usize = 32;

    fn item(&self, list: Node<'e>, number: usize) -> Option<Node<'e>> {
        if list.len() <= Self::FEW {
            return list.items().nth(number);
        }
        step();
        let collect = || {
            steps(list.len());
            list.items().collect()
        };
        self.items.borrow_mut().entry(list.id()).or_insert_with(collect).get(number).copied()
    }

    // Of several members of one name the last.
    fn member(&self, object: Node<'e>, name: &str) -> Option<Member<'e>> {
        if object.len() <= Self::FEW {
            return object.member(name);
        }
        step();
        let collect = || {
            steps(object.len());
            object.members().map(|member| (member.key.text(), member)).collect()
        };
        self.members.borrow_mut().entry(object.id()).or_insert_with(collect).get(name).copied()
    }

    // As `Node::at`.
    fn at(&self, root: Node<'e>, pointer: &str) -> Option<Node<'e>> {
        if pointer.is_empty() {
            return Some(root);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(root, |node, token| match node.kind() {
            Kind::Object => self.member(node, &pointer::unescape(token)).map(|member| member.value),
            Kind::Array => pointer::index(token).and_then(|number| self.item(node, number)),
            _ => None,
        })
    }
}

impl<'e> ErrorMapper<'e> {
    fn at(&self, pointer: &str) -> Option<Node<'e>> {
        self.index.at(self.root, pointer)
    }

    /// The findings for the errors of the record, in their order, and those beyond the number that is kept. Errors that were
    /// made after `trusted` of them are omitted: the validator may not have seen all of the record any more.
    pub fn explain<'r>(&self, errors: impl Iterator<Item = ValidationError<'r>>, trusted: Option<u64>) -> (Vec<Diagnostic>, Omitted) {
        let mut out = Findings::default();
        let mut omitted = Omitted::default();
        let mut made = 0;
        for error in errors {
            if let Some(trusted) = trusted {
                made += number_of_errors(&error);
                if made > trusted {
                    omitted.keep_open(Place::new(self.root.tree().source(), self.place(&error)));
                    break;
                }
            }
            if out.len() < self.limit {
                self.map_error(&error, &mut out);
            } else {
                omitted.count(number_of_findings(&error), || Place::new(self.root.tree().source(), self.place(&error)));
            }
        }
        if trusted.is_some() {
            omitted.keep_open(Place::new(self.root.tree().source(), self.root.opening()));
        }
        omitted.count(out.counted(), || Place::new(self.root.tree().source(), self.root.opening()));
        let mut list = out.into_list();
        let surplus = list.len().saturating_sub(self.limit);
        list.drain(list.len() - surplus..).for_each(|finding| omitted.add(finding));
        (list, omitted)
    }

    fn place(&self, error: &ValidationError<'_>) -> Span {
        self.at(error.instance_path().as_str()).unwrap_or(self.root).opening()
    }

    fn map_error(&self, error: &ValidationError<'_>, out: &mut Findings) {
        let before = out.len();
        self.push_finding(error, out);
        for finding in out.since(before).filter(|finding| finding.help.is_none()) {
            finding.help = self.described(error);
        }
        if let Some(schema) = self.schema.filter(|schema| schema.has_error_messages()) {
            ErrorMessages { root: self.root, schema, shape: self.shape }.apply(error, out, before);
        }
    }

    fn push_finding(&self, error: &ValidationError<'_>, out: &mut Findings) {
        let node = self.at(error.instance_path().as_str()).unwrap_or(self.root);
        match error.kind() {
            ValidationErrorKind::Required { property } => self.missing(error, node, property.as_str().unwrap_or_default(), out),
            ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                // One more than is kept shows that there are more.
                for name in unexpected.iter().take(self.limit + 1) {
                    self.unknown(error, node, name, out);
                }
                if let Some(more) = unexpected.len().checked_sub(self.limit + 1) {
                    out.more(more as u64);
                }
            }
            ValidationErrorKind::Type { .. } => self.wrong_type(error, node, out),
            ValidationErrorKind::Enum { options } => {
                let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
                self.not_among(error, node, options.iter(), out);
            }
            ValidationErrorKind::Constant { expected_value } => self.not_among(error, node, std::iter::once(&**expected_value), out),
            ValidationErrorKind::Format { format } => {
                let example = self.example(error).or_else(|| messages::format(format).1.map(|example| quote(example, true)));
                let mut finding = self.already_reported(error, node, &rules::WRONG_FORMAT);
                finding.help = example.map(|example| format!("for example {example}"));
                out.push(finding);
            }
            ValidationErrorKind::Pattern { .. } => self.pattern(error, node, out),
            ValidationErrorKind::Minimum { .. }
            | ValidationErrorKind::ExclusiveMinimum { .. }
            | ValidationErrorKind::Maximum { .. }
            | ValidationErrorKind::ExclusiveMaximum { .. }
            | ValidationErrorKind::MultipleOf { .. } => out.push(self.already_reported(error, node, &rules::OUT_OF_RANGE)),
            ValidationErrorKind::MinLength { .. } | ValidationErrorKind::MaxLength { .. } => {
                out.push(self.already_reported(error, node, &rules::WRONG_LENGTH));
            }
            ValidationErrorKind::MinItems { .. } | ValidationErrorKind::MinProperties { .. } => {
                out.push(self.already_reported(error, node, &rules::WRONG_COUNT));
            }
            ValidationErrorKind::MaxProperties { limit } => {
                let mut finding = self.already_reported(error, node, &rules::WRONG_COUNT);
                if let Some(member) = usize::try_from(*limit).ok().and_then(|limit| node.members().nth(limit)) {
                    finding.place.span = member.key.span();
                }
                out.push(finding);
            }
            ValidationErrorKind::MaxItems { limit } => {
                let mut finding = self.already_reported(error, node, &rules::WRONG_COUNT);
                if let Some(item) = usize::try_from(*limit).ok().and_then(|limit| node.items().nth(limit)) {
                    finding.place.span = item.opening();
                }
                out.push(finding);
            }
            ValidationErrorKind::AdditionalItems { limit } => {
                let mut finding = self.already_reported(error, node, &rules::WRONG_ITEMS);
                if let Some(item) = node.items().nth(*limit) {
                    finding.place.span = item.opening();
                }
                out.push(finding);
            }
            ValidationErrorKind::UnevaluatedItems { unexpected } => self.extra_items(error, node, unexpected, out),
            ValidationErrorKind::Contains => {
                let message = if error.schema_path().as_str().ends_with("/maxContains") {
                    "too many items match `contains`"
                } else {
                    "too few items match `contains`"
                };
                out.push(self.finding(error, node, &rules::WRONG_COUNT, node.opening(), message.to_owned()));
            }
            ValidationErrorKind::UniqueItems => self.repeated(error, node, out),
            ValidationErrorKind::PropertyNames { error: inner } => self.wrong_name(error, inner, node, out),
            ValidationErrorKind::Not { .. } => {
                let message = match self.title(error) {
                    Some(title) => format!("expected {title}, found {}", messages::found(node)),
                    None => format!("{} is excluded by the schema", messages::found(node)),
                };
                out.push(self.finding(error, node, &rules::FORBIDDEN, node.opening(), message));
            }
            ValidationErrorKind::FalseSchema => self.forbidden(error, node, out),
            ValidationErrorKind::ContentEncoding { .. }
            | ValidationErrorKind::FromUtf8 { .. }
            | ValidationErrorKind::ContentMediaType { .. } => out.push(self.already_reported(error, node, &rules::WRONG_CONTENT)),
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
                self.no_branch(error, node, context, out);
            }
            ValidationErrorKind::OneOfMultipleValid { context } => self.many_branches(error, node, context, out),
            ValidationErrorKind::BacktrackLimitExceeded { .. } | ValidationErrorKind::RegexEngineFailure { .. } => {
                let message = format!("the schema's pattern is too expensive to match against {}", messages::found(node));
                out.push(
                    self.finding(error, node, &rules::BEYOND_LIMITS, node.opening(), message)
                        .help("remove look-around or nested repetition from the pattern"),
                );
            }
            ValidationErrorKind::Custom { .. } | ValidationErrorKind::Referencing(_) => {
                out.push(self.finding(error, node, &rules::BEYOND_LIMITS, node.opening(), error.masked().to_string()));
            }
        }
    }

    fn finding(&self, error: &ValidationError<'_>, node: Node<'e>, rule: &'static Rule, span: Span, message: String) -> Diagnostic {
        let mut finding = Diagnostic::new(rule, node.tree().source(), span, message)
            .at(error.instance_path().as_str())
            .schema_at(error.schema_path().as_str());
        // A normalised value is reported as it is now; the source text is shown next to it.
        if node.is_altered() && !node.is_derived() && span == node.span() {
            finding = finding.label(format!("written as {}", quote(node.written(), true)));
        }
        if let Some(place) = self.schema.and_then(|schema| schema.place_of(error)) {
            finding = finding.related("declared in the schema here", place);
        }
        finding
    }

    // A finding whose message needs nothing but the keyword and the value.
    fn already_reported(&self, error: &ValidationError<'_>, node: Node<'e>, rule: &'static Rule) -> Diagnostic {
        let message = messages::message(error.kind(), node).unwrap_or_else(|| error.masked().to_string());
        self.finding(error, node, rule, node.opening(), message)
    }

    fn missing(&self, error: &ValidationError<'_>, node: Node<'e>, name: &str, out: &mut Findings) {
        let quoted = quote(name, true);
        let description = self.part(error).declared(name).and_then(|part| part.description().or(part.title()));
        let help = match description {
            Some(description) => format!("add {quoted}: {}", messages::plain(as_clause(description))),
            None => format!("add {quoted}"),
        };
        let message = match self.beside(error, node, name) {
            Some(other) => format!("member {quoted} is missing beside {}", quote(other, true)),
            None => format!("member {quoted} is missing"),
        };
        out.push(self.finding(error, node, &rules::MISSING_MEMBER, node.opening(), message).help(help));
    }

    fn unknown(&self, error: &ValidationError<'_>, node: Node<'e>, name: &str, out: &mut Findings) {
        let quoted = quote(name, true);
        let span = self.index.member(node, name).map_or(node.opening(), |member| member.key.span());
        let part = self.part(error);
        let near = nearest(name, part.members().map(|(known, _)| known), |known| self.index.member(node, known).is_none(), self.hints);
        let mut finding = self.finding(error, node, &rules::UNKNOWN_MEMBER, span, format!("unknown member {quoted}"));
        finding.pointer = Some(below(error, name));
        if let Some(near) = near {
            finding = finding.help(format!("did you mean {}?", quote(near, true)));
            if self.index.member(node, name).is_some_and(|member| member.key.is_own() && !member.value.is_derived()) {
                finding = finding.with_edit(Safety::Unsafe, vec![Edit::name(span, near)]);
            }
        } else {
            let known = part.members().map(|(known, _)| known);
            if known.len() > 0 {
                finding = finding.help(format!("known here: {}", messages::list_of(known, |known| quote(known, true), "and")));
            }
        }
        out.push(finding);
    }

    fn wrong_type(&self, error: &ValidationError<'_>, node: Node<'e>, out: &mut Findings) {
        let mut finding = self.already_reported(error, node, &rules::WRONG_TYPE);
        let ValidationErrorKind::Type { kind } = error.kind() else { return out.push(finding) };
        let wanted = messages::types(kind).into_iter().filter_map(Types::named).fold(Types::NONE, Types::or);
        let text = node.text().trim();
        // The text is the number or boolean to the letter, and the schema allows no other interpretation: nothing is guessed.
        let literal = |text: &str| Some((Safety::Safe, Scalar::Literal(text.to_owned())));
        let (help, fix) = match node.kind() {
            Kind::String if wanted.allows(Types::NUMBER) && number::is_number(text) => {
                let fits = wanted.allows(Types::NUMBER.without(Types::INTEGER)) || number::is_integer(text);
                (fits.then(|| format!("write the number {text} without quotes")), literal(text).filter(|_| fits))
            }
            Kind::String if wanted.allows(Types::BOOLEAN) && matches!(text, "true" | "false") => {
                (Some(format!("write the boolean {text} without quotes")), literal(text))
            }
            // Somebody may have meant the word, or that nothing is known.
            Kind::String if wanted.allows(Types::NULL) && matches!(text, "null" | "") => {
                (Some("write null without quotes".to_owned()), Some((Safety::Unsafe, Scalar::Literal("null".to_owned()))))
            }
            Kind::Number | Kind::Bool if wanted.allows(Types::STRING) => {
                // `007` and `0x1F` are numbers to YAML; a text was perhaps meant to keep its looks.
                let written = node.written();
                let safety = if written == text { Safety::Safe } else { Safety::Unsafe };
                (Some(format!("write it as the string {}", quote(text, true))), Some((safety, Scalar::Text(written.to_owned()))))
            }
            Kind::Null => (Some("omit the member, or give it a value".to_owned()), None),
            kind if wanted == Types::ARRAY && kind != Kind::Array => (Some("make it a list, even of one item".to_owned()), None),
            _ => (None, None),
        };
        finding.help = help;
        if let Some((safety, scalar)) = fix.filter(|_| node.is_own()) {
            finding = finding.with_edit(safety, vec![Edit::scalar(node.span(), scalar)]);
        }
        out.push(finding);
    }

    fn not_among<'v>(
        &self,
        error: &ValidationError<'_>,
        node: Node<'e>,
        options: impl Iterator<Item = &'v serde_json::Value>,
        out: &mut Findings,
    ) {
        let finding = self.already_reported(error, node, &rules::NOT_IN_ENUM);
        out.push(suggest(finding, node, options, self.hints));
    }

    fn pattern(&self, error: &ValidationError<'_>, node: Node<'e>, out: &mut Findings) {
        const LONGEST: usize = 120;
        let mut finding = self.already_reported(error, node, &rules::WRONG_PATTERN);
        let own = |name| self.keyword_beside(error, name).filter(|node| node.kind() == Kind::String).map(Node::text);
        let described = own("title").or_else(|| own("description").map(as_clause)).filter(|described| described.len() <= LONGEST);
        if let Some(described) = described {
            finding.message = format!("expected {}, found {}", lower_first(messages::plain(described)), messages::found(node));
        }
        if let Some(example) = self.example(error) {
            finding.help = Some(format!("for example {example}"));
        } else if described.is_some()
            && let ValidationErrorKind::Pattern { pattern } = error.kind()
        {
            finding.help = Some(format!("it must match {}", messages::plain(pattern)));
        }
        out.push(finding);
    }

    fn extra_items(&self, error: &ValidationError<'_>, node: Node<'e>, unexpected: &[String], out: &mut Findings) {
        // The validator names the items by their text only, in order.
        let mut items = node.items().enumerate();
        if let Some(more) = unexpected.len().checked_sub(self.limit + 1) {
            out.more(more as u64);
        }
        for text in unexpected.iter().take(self.limit + 1) {
            let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            let found = items.by_ref().find(|(_, item)| json_impl::equals(*item, &value));
            let (index, span) = found.map_or((None, node.opening()), |(index, item)| (Some(index), item.opening()));
            let message = match index {
                Some(index) => no_place(index + 1),
                None => "the list has items that the schema does not allow".to_owned(),
            };
            let mut finding = self.finding(error, node, &rules::WRONG_ITEMS, span, message);
            if let (Some(index), Some(at)) = (index, finding.pointer.as_mut()) {
                pointer::push_index(at, index);
            }
            out.push(finding);
        }
    }

    fn repeated(&self, error: &ValidationError<'_>, node: Node<'e>, out: &mut Findings) {
        let repeats = json_impl::repeats(node);
        let position: HashMap<NodeId, usize> = if repeats.is_empty() {
            HashMap::new()
        } else {
            node.items().enumerate().map(|(position, item)| (item.id(), position)).collect()
        };
        let position = |wanted: Node<'_>| position.get(&wanted.id()).copied().unwrap_or_default();
        // One more than is kept shows that there are more.
        for (first, second) in repeats.iter().take(self.limit + 1) {
            let (first_at, second_at) = (position(*first), position(*second));
            let message = format!("items {} and {} are equal: {}", first_at + 1, second_at + 1, messages::found(*second));
            let mut finding = self.finding(error, node, &rules::NOT_UNIQUE, second.opening(), message).help("remove one of them");
            if let Some(at) = finding.pointer.as_mut() {
                pointer::push_index(at, second_at);
            }
            // One of the two may have been meant to be something else.
            if let Some(before) = second_at.checked_sub(1).and_then(|before| self.index.item(node, before))
                && before.span().end < second.span().end
                && before.span().end <= second.span().start
                && second.is_own()
            {
                finding = finding.with_edit(Safety::Unsafe, vec![Edit::removal(Span::new(before.span().end, second.span().end))]);
            }
            let place = Place::new(node.tree().source(), first.opening());
            finding.related.insert(0, chancery_core::diagnostic::Related { message: "first".to_owned(), place });
            out.push(finding);
        }
        if let Some(more) = repeats.len().checked_sub(self.limit + 1) {
            out.more(more as u64);
        }
    }

    fn wrong_name(&self, error: &ValidationError<'_>, inner: &ValidationError<'_>, node: Node<'e>, out: &mut Findings) {
        let name = inner.instance().as_str().map(str::to_owned);
        let key = name.as_deref().and_then(|name| self.index.member(node, name)).map(|member| member.key);
        let shown = name.as_deref().map_or_else(|| "a member's name".to_owned(), |name| format!("name {}", quote(name, true)));
        let ir = key
            .and_then(|key| messages::message(inner.kind(), key))
            .unwrap_or_else(|| "it violates the schema's rules for names".to_owned());
        let ir = ir.split_once(", found ").map_or(ir.as_str(), |(expected, _)| expected);
        let span = key.map_or(node.opening(), Node::span);
        let mut finding = self.finding(error, node, &rules::WRONG_NAME, span, format!("{shown} may not be used: {ir}"));
        if let Some(name) = name {
            finding.pointer = Some(below(error, &name));
        }
        out.push(finding);
    }

    fn forbidden(&self, error: &ValidationError<'_>, node: Node<'e>, out: &mut Findings) {
        let at = error.instance_path().as_str();
        let parent = pointer::split_last(at).and_then(|(parent, name)| Some((self.at(parent)?, name)));
        let finding = match parent {
            Some((parent, name)) if parent.kind() == Kind::Object => {
                let span = self.index.member(parent, &name).map_or(node.opening(), |member| member.key.span());
                self.finding(error, node, &rules::FORBIDDEN, span, format!("member {} is not allowed here", quote(&name, true)))
                    .help("leave it out")
            }
            Some((parent, index)) if parent.kind() == Kind::Array => {
                let number = pointer::index(&index).unwrap_or_default() + 1;
                self.finding(error, node, &rules::WRONG_ITEMS, node.opening(), no_place(number))
            }
            _ => self.finding(
                error,
                node,
                &rules::FORBIDDEN,
                node.opening(),
                format!("nothing is allowed here, found {}", messages::found(node)),
            ),
        };
        out.push(finding);
    }
}

/// Branches.
impl<'e> ErrorMapper<'e> {
    fn no_branch(&self, error: &ValidationError<'_>, node: Node<'e>, context: &[Vec<ValidationError<'static>>], out: &mut Findings) {
        let here = error.instance_path().as_str();
        if let [only] = context {
            for error in only {
                self.map_error(error, out);
            }
            return;
        }
        let left: Vec<usize> = (0..context.len()).filter(|branch| !fails_by_tag(here, *branch, context)).collect();
        if let [only] = left.as_slice() {
            // The tag or the type picked a branch: its errors are the errors.
            for error in &context[*only] {
                self.map_error(error, out);
            }
            return;
        }
        if let Some(finding) = self
            .all_missing(error, node, context)
            .or_else(|| self.all_options(error, context))
            .or_else(|| self.all_types(error, node, context))
        {
            return out.push(finding);
        }
        let candidates = if left.is_empty() { (0..context.len()).collect() } else { left };
        let depth =
            |branch: &usize| context[*branch].iter().map(|error| error.instance_path().as_str().matches('/').count()).max().unwrap_or(0);
        let best = candidates.iter().min_by_key(|branch| (context[**branch].len(), std::cmp::Reverse(depth(branch))));
        let mut closest = Findings::default();
        if let Some(best) = best {
            for error in &context[*best] {
                self.map_error(error, &mut closest);
            }
        }
        let mut closest = closest.into_list().into_iter();
        let message = format!("{} matches none of the {} alternatives in the schema", messages::found(node), context.len());
        let mut finding = self.finding(error, node, &rules::NO_BRANCH, node.opening(), message);
        if let Some(first) = closest.next() {
            let place = if first.pointer.as_deref() == Some(here) {
                String::new()
            } else {
                format!(" at {}", first.pointer.as_deref().unwrap_or_default())
            };
            finding.message = format!("{}; nearest{place}: {}", finding.message, first.message);
            // A single thing wrong in the nearest branch is the smallest place to look at.
            if closest.len() == 0 {
                finding.place = first.place;
                // That branch is the nearest, which is no proof that it is meant.
                finding.fix = first.fix.map(|fix| Fix { safety: Safety::Unsafe, ..fix });
            }
            finding.help = first.help;
        }
        out.push(finding);
    }

    // All that is wrong in each branch is that some member is missing.
    fn all_missing(&self, error: &ValidationError<'_>, node: Node<'e>, context: &[Vec<ValidationError<'static>>]) -> Option<Diagnostic> {
        let here = error.instance_path();
        let mut names = Vec::new();
        for branch in context {
            let [only] = branch.as_slice() else { return None };
            let ValidationErrorKind::Required { property } = only.kind() else { return None };
            if only.instance_path() != here {
                return None;
            }
            let name = messages::value(property);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let names = messages::either(names);
        let message = format!("one of the members {names} is required");
        Some(self.finding(error, node, &rules::MISSING_MEMBER, node.opening(), message).help(format!("add {names}")))
    }

    // Each branch asks for other values at one place.
    fn all_options(&self, error: &ValidationError<'_>, context: &[Vec<ValidationError<'static>>]) -> Option<Diagnostic> {
        let here = error.instance_path().as_str();
        let tags: Vec<&ValidationError<'static>> = context.iter().map(|branch| tag_error(here, branch)).collect::<Option<_>>()?;
        let first = tags.first()?;
        if tags.iter().any(|tag| tag.instance_path() != first.instance_path()) {
            return None;
        }
        let node = self.at(first.instance_path().as_str())?;
        // Distinguished by their text, because comparing all pairs takes quadratic time.
        let mut seen = std::collections::HashSet::new();
        let mut options: Vec<&serde_json::Value> = Vec::new();
        for option in tags.iter().flat_map(|tag| values(tag.kind())) {
            if seen.insert(option.to_string()) {
                options.push(option);
            }
        }
        let expected = messages::list_of(options.iter(), |option| messages::value(option), "or");
        let message = format!("expected {expected}, found {}", messages::found(node));
        let finding = self.finding(first, node, &rules::NOT_IN_ENUM, node.opening(), message);
        Some(suggest(finding, node, options.into_iter(), self.hints))
    }

    // Each branch asks for another type.
    fn all_types(&self, error: &ValidationError<'_>, node: Node<'e>, context: &[Vec<ValidationError<'static>>]) -> Option<Diagnostic> {
        let mut types = Vec::new();
        for branch in context {
            let kind = branch.iter().find_map(|inner| match inner.kind() {
                ValidationErrorKind::Type { kind } if inner.instance_path() == error.instance_path() => Some(kind),
                _ => None,
            })?;
            types.extend(messages::types(kind));
        }
        let mut seen = std::collections::HashSet::new();
        types.retain(|name| seen.insert(*name));
        let expected = messages::either(types.into_iter().map(str::to_owned).collect());
        let message = format!("expected {expected}, found {}", messages::found_type(node));
        Some(self.finding(error, node, &rules::WRONG_TYPE, node.opening(), message))
    }

    fn many_branches(&self, error: &ValidationError<'_>, node: Node<'e>, context: &[Vec<ValidationError<'static>>], out: &mut Findings) {
        let fitting: Vec<usize> = (0..context.len()).filter(|branch| context[*branch].is_empty()).collect();
        let name = |branch: &usize| {
            let title = self.schema.and_then(|schema| schema.title_below(error, *branch));
            title.map_or_else(|| format!("{}/{branch}", error.schema_path().as_str()), |title| quote(title, true))
        };
        let names: Vec<String> = fitting.iter().map(name).collect();
        let message = format!("matches {} alternatives where the schema allows only one: {}", fitting.len(), messages::list(names, "and"));
        let mut finding = self.finding(error, node, &rules::MANY_BRANCHES, node.opening(), message);
        for branch in fitting {
            if let Some(place) = self.schema.and_then(|schema| schema.place_of_branch(error, branch)) {
                finding = finding.related("this alternative matches", place);
            }
        }
        out.push(finding);
    }
}

/// What the schema says around a demand.
impl<'e> ErrorMapper<'e> {
    // The part of the shape that speaks of the value an error is about.
    fn part(&self, error: &ValidationError<'_>) -> Part<'e> {
        let mut part = self.shape.root();
        let mut at = Some(self.root);
        for token in error.instance_path().as_str().split('/').skip(1) {
            let name = pointer::unescape(token);
            if at.is_some_and(|node| node.kind() == Kind::Array) {
                let index = pointer::index(token).unwrap_or_default();
                part = part.item(index);
                at = at.and_then(|node| node.items().nth(index));
            } else {
                part = part.member(&name);
                at = at.and_then(|node| node.get(&name));
            }
        }
        part
    }

    // What the schema says of the value in general.
    fn described(&self, error: &ValidationError<'_>) -> Option<String> {
        let part = self.part(error);
        let description = part.description().map(|text| format!("described in the schema: {}", messages::plain(as_clause(text))));
        description.or_else(|| part.title().map(|title| format!("the schema's title is {}", quote(title, true))))
    }

    fn keyword_beside(&self, error: &ValidationError<'_>, name: &str) -> Option<Node<'e>> {
        self.schema?.subschema_of(error)?.get(name)
    }

    // The member that asks for the one of that name to be there too.
    fn beside(&self, error: &ValidationError<'_>, node: Node<'e>, name: &str) -> Option<&'e str> {
        let (_, keyword) = pointer::split_last(error.schema_path().as_str())?;
        let asked = matches!(&*keyword, "dependentRequired" | "dependencies").then(|| self.keyword_beside(error, &keyword))??;
        let asks = |member: &Member<'_>| node.get(member.key.text()).is_some() && member.value.items().any(|item| item.text() == name);
        asked.members().find(asks).map(|member| member.key.text())
    }

    fn title(&self, error: &ValidationError<'_>) -> Option<String> {
        let text = |name| self.keyword_beside(error, name).filter(|node| node.kind() == Kind::String).map(Node::text);
        text("title").or_else(|| text("description").map(as_clause)).map(|described| lower_first(messages::plain(described)))
    }

    fn example(&self, error: &ValidationError<'_>) -> Option<String> {
        let own = self.keyword_beside(error, "examples").and_then(|examples| examples.items().next());
        own.or_else(|| self.part(error).examples().next()).map(messages::found)
    }
}

// With the option that is nearest to what was found.
fn suggest<'v>(
    mut finding: Diagnostic,
    node: Node<'_>,
    options: impl Iterator<Item = &'v serde_json::Value>,
    hints: &Budget,
) -> Diagnostic {
    if node.kind() == Kind::String
        && let Some(near) = nearest(node.text(), options.filter_map(serde_json::Value::as_str), |_| true, hints)
    {
        finding = finding.help(format!("did you mean {}?", quote(near, true)));
        if node.is_own() {
            finding = finding.fix(Safety::Unsafe, node.span(), near);
        }
    }
    finding
}

// How many errors the validator made for this one: its own, and those of the branches that it holds.
fn number_of_errors(error: &ValidationError<'_>) -> u64 {
    match error.kind() {
        ValidationErrorKind::AnyOf { context }
        | ValidationErrorKind::OneOfNotValid { context }
        | ValidationErrorKind::OneOfMultipleValid { context } => 1 + context.iter().flatten().map(number_of_errors).sum::<u64>(),
        ValidationErrorKind::PropertyNames { error } => 1 + number_of_errors(error),
        _ => 1,
    }
}

// How many findings an error comes to at least.
fn number_of_findings(error: &ValidationError<'_>) -> u64 {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected }
        | ValidationErrorKind::UnevaluatedItems { unexpected } => unexpected.len() as u64,
        _ => 1,
    }
}

// Values that an error of `enum` or `const` asks for.
fn values(kind: &ValidationErrorKind) -> Vec<&serde_json::Value> {
    match kind {
        ValidationErrorKind::Enum { options } => options.as_array().map(|options| options.iter().collect()).unwrap_or_default(),
        ValidationErrorKind::Constant { expected_value } => vec![expected_value],
        _ => Vec::new(),
    }
}

// The error of `enum` or `const` at a value or right below it.
fn tag_error<'c>(here: &str, branch: &'c [ValidationError<'static>]) -> Option<&'c ValidationError<'static>> {
    branch.iter().find(|error| {
        let below = error.instance_path().as_str().strip_prefix(here).unwrap_or_default();
        below.matches('/').count() <= 1 && !values(error.kind()).is_empty()
    })
}

// Whether a branch is out of the question: the value has another type, or a member right below it is the mark of another
// branch. What fails alike in every branch marks none.
fn fails_by_tag(here: &str, branch: usize, context: &[Vec<ValidationError<'static>>]) -> bool {
    let same = |one: &ValidationError<'_>, other: &ValidationError<'_>| {
        one.instance_path() == other.instance_path() && values(one.kind()) == values(other.kind())
    };
    context[branch].iter().any(|error| {
        let at = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::Type { .. } => at == here,
            ValidationErrorKind::Enum { .. } | ValidationErrorKind::Constant { .. } => {
                let below = at.strip_prefix(here).unwrap_or_default();
                below.matches('/').count() == 1 && !context.iter().all(|other| other.iter().any(|theirs| same(error, theirs)))
            }
            ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } if at == here => {
                (0..context.len()).all(|branch| fails_by_tag(here, branch, context))
            }
            _ => false,
        }
    })
}

fn no_place(number: usize) -> String {
    format!("item {number} is not allowed by the schema")
}

fn below(error: &ValidationError<'_>, name: &str) -> String {
    let mut at = error.instance_path().as_str().to_owned();
    pointer::push(&mut at, name);
    at
}

// The first sentence, without its stop.
fn as_clause(text: &str) -> &str {
    let text = text.trim();
    let end = text.find(". ").or_else(|| text.find(".\n")).unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

// With a small first letter, unless the word is an abbreviation.
fn lower_first(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && (second.is_lowercase() || second.is_whitespace()) => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}
