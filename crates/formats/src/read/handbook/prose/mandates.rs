//! Mandates: missions that a text charges with tasks, and the resolutions that did so.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::super::blocks::Mark;
use super::super::notes::put_refs;
use super::super::record::PageReader;
use super::super::spanned_text::SpannedText;
use super::super::value::{Object, Value};
use super::evidence::Evidence;
use super::frames::Sentence;
use super::instruments::Resolution;
use super::mentions::{MissionMention, country};
use super::sentences::{clauses, first_of, has, phrases};
use super::tasks::tasks;
use super::{Prose, certain, evidence};
use chancery_check::reference_data::Mission;
use chancery_core::diagnostic::rules;
use chancery_core::source::Span;
use chancery_core::tree::Kind;

/// What is known of one mission.
#[derive(Default)]
struct Mandate {
    name: Option<SpannedText>,
    acronym: Option<SpannedText>,
    description: Option<SpannedText>,
    hosts: Vec<(SpannedText, String)>,
    tasks: Vec<(String, Span)>,
    instruments: Vec<Instrument>,
    by_symbol: HashMap<String, usize>,
    refs: Vec<Mark>,
    evidence: Vec<Evidence>,
}

struct Instrument {
    symbol: String,
    at: Span,
    date: Option<(String, Span)>,
    effect: Option<(&'static str, Span)>,
}

/// What a resolution did to a mission, with the words that say so.
type Effect = (&'static str, Range<usize>);

#[derive(Default)]
struct Found {
    // In the order in which they are first stated.
    mandates: Vec<(String, Mandate)>,
    by_key: HashMap<String, usize>,
}

impl Found {
    fn get(&mut self, key: &str) -> &mut Mandate {
        let at = *self.by_key.entry(key.to_owned()).or_insert_with(|| {
            self.mandates.push((key.to_owned(), Mandate::default()));
            self.mandates.len() - 1
        });
        &mut self.mandates[at].1
    }
}

impl PageReader<'_> {
    pub(super) fn mandates(&mut self, prose: &Prose<'_>) {
        let mut found = Found::default();
        let years = self.years_of_resolutions(prose);
        for block in 0..prose.blocks.len() {
            self.mandates_of_block(prose, block, &years, &mut found);
        }
        self.put_mandates(prose, found);
    }

    fn mandates_of_block(&self, prose: &Prose<'_>, block: usize, years: &BTreeMap<u32, String>, found: &mut Found) {
        let parts = &prose.parts[block];
        let text = prose.text(block);
        let mut last_effect: Option<(String, Effect)> = None;
        let mut from = 0;
        for at in &parts.sentences {
            let missions = &parts.missions;
            from += missions[from..].iter().take_while(|mention| mention.at.start < at.start).count();
            let to = from + missions[from..].iter().take_while(|mention| mention.at.start < at.end).count();
            let clauses = clauses(text, at.clone(), &self.form.prose.clause_borders);
            let mentions = &missions[from..to];
            let sentence = Sentence { form: self.form, text, lower: &parts.lower, at: at.clone(), clauses: &clauses, mentions };
            for frame in sentence.mandates() {
                let stated = tasks(self.form, text, frame.scope.clone());
                if stated.is_empty() {
                    continue;
                }
                for subject in frame.subjects {
                    let mandate = Self::known(prose, block, found, &mentions[subject]);
                    self.host(prose, block, at, &mentions[subject], mandate);
                    charge(prose, block, at, mandate, &stated);
                }
            }
            self.described(prose, block, &sentence, found);
            last_effect = self.instruments_of(prose, block, &sentence, years, last_effect.take(), found);
        }
    }

    fn known<'f>(prose: &Prose<'_>, block: usize, found: &'f mut Found, mention: &MissionMention) -> &'f mut Mandate {
        let acronym = prose.piece(block, mention.acronym.clone());
        let key = mention.known.map_or_else(|| acronym.text().to_owned(), |mission| mission.acronym.to_owned());
        let mandate = found.get(&key);
        mandate.acronym.get_or_insert(acronym);
        if mandate.name.is_none() {
            mandate.name = mention.name.clone().map(|name| prose.piece(block, name));
        }
        if let Some((country, code)) = &mention.host
            && !mandate.hosts.iter().any(|(_, known)| known == code)
        {
            mandate.hosts.push((country.clone(), code.clone()));
        }
        mandate
    }

    // The host country of a mission where the sentence names it; the list of missions confirms it.
    fn host(&self, prose: &Prose<'_>, block: usize, at: &Range<usize>, mention: &MissionMention, mandate: &mut Mandate) {
        if let Some(mission) = mention.known
            && mandate.hosts.is_empty()
        {
            let is_host = |code: &str| mission.hosts.iter().any(|host| host.code() == code);
            if let Some((range, code)) = country(self.form, prose.text(block), at.clone(), is_host) {
                mandate.hosts.push((prose.piece(block, range), code));
            }
        }
    }

    // `In Haiti, for example, the UN mission works on ...`: a mission that is not named, by its host country.
    fn described(&self, prose: &Prose<'_>, block: usize, sentence: &Sentence<'_>, found: &mut Found) {
        for clause in sentence.clauses {
            let lower = &sentence.lower[clause.clone()];
            let Some(noun) = first_of(lower, &self.form.prose.mission_nouns) else { continue };
            let mut end = clause.start + noun.end;
            let noun = clause.start + noun.start..end;
            // `the United Nations Mission in South Sudan` is named.
            let is_named = sentence.text[noun.clone()].rsplit(' ').next().is_some_and(|word| word.starts_with(char::is_uppercase));
            if is_named {
                continue;
            }
            // `the UN mission in Haiti`, or `In Haiti, the UN mission`.
            let behind = sentence.lower[end..clause.end].starts_with(" in ");
            let place = if behind {
                country(self.form, sentence.text, end..clause.end, |_| true).filter(|(range, _)| range.start <= end + " in the ".len())
            } else if lower.starts_with("in ") {
                country(self.form, sentence.text, clause.start..noun.start, |_| true)
                    .filter(|(range, _)| range.start <= clause.start + "in the ".len())
            } else {
                None
            };
            let Some((country, code)) = place else { continue };
            if behind {
                end = country.end;
            }
            if sentence.is_reported(noun.start)
                || sentence.is_denied(clause.start..clause.end)
                || has(&sentence.lower[end..clause.end], &self.form.prose.modals)
            {
                continue;
            }
            let words = &self.form.prose;
            let mut after = sentence.lower[end..clause.end].split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            let is_adverb = |word: &&str| words.adverbs.iter().any(|adverb| adverb == word);
            let is = |list: &[String], word: Option<&str>| word.is_some_and(|word| list.iter().any(|known| known == word));
            let is_stated = match after.find(|word| !is_adverb(word)) {
                Some("is" | "was") => is(&words.charged, after.find(|word| !is_adverb(word))),
                verb => is(&words.mission_verbs, verb),
            };
            let stated = tasks(self.form, sentence.text, end..clause.end);
            if !is_stated || stated.is_empty() {
                continue;
            }
            let mandate = found.get(&format!("in {code}"));
            let from = if behind { noun.start..end } else { noun.clone() };
            mandate.description.get_or_insert(prose.piece(block, from));
            if mandate.hosts.is_empty() {
                mandate.hosts.push((prose.piece(block, country), code));
            }
            charge(prose, block, &sentence.at, mandate, &stated);
        }
    }

    // The year of each resolution, where the page prints it once.
    fn years_of_resolutions(&self, prose: &Prose<'_>) -> BTreeMap<u32, String> {
        let mut years = BTreeMap::new();
        for block in 0..prose.blocks.len() {
            for resolution in self.resolutions(prose.text(block), 0..prose.text(block).len()) {
                if let Some(year) = resolution.year {
                    years.entry(resolution.number).or_insert(year);
                }
            }
        }
        years
    }

    // The resolutions of a sentence that say what they did to a mission; the last effect goes over to `For details, see`.
    fn instruments_of(
        &self,
        prose: &Prose<'_>,
        block: usize,
        sentence: &Sentence<'_>,
        years: &BTreeMap<u32, String>,
        before: Option<(String, Effect)>,
        found: &mut Found,
    ) -> Option<(String, Effect)> {
        let resolutions = self.resolutions(sentence.text, sentence.at.clone());
        let lower = &sentence.lower[sentence.at.clone()];
        let inherits = self.form.prose.see.iter().any(|word| lower.starts_with(word.as_str()));
        let mut last = None;
        let mut from = 0;
        let mut stated: Vec<(String, Effect, &Resolution)> = Vec::new();
        for clause in sentence.clauses {
            let inside = resolutions.iter().filter(|resolution| clause.contains(&resolution.at.start));
            let to = clause.end;
            let effect = self.effect(prose, sentence, from.max(clause.start)..to);
            from = to;
            if let Some((key, effect)) = &effect {
                last = Some((key.clone(), effect.clone()));
            }
            let effect = effect.or_else(|| if inherits { before.clone() } else { None });
            let Some((key, effect)) = effect else { continue };
            for resolution in inside {
                let follows = inherits || effect.1.start < resolution.at.start;
                if follows && !sentence.is_reported(resolution.at.start) {
                    // `established by resolution 1 and extended by resolution 2`.
                    let nearest = self.last_effect(sentence, clause.start..resolution.at.start);
                    stated.push((key.clone(), nearest.unwrap_or_else(|| effect.clone()), resolution));
                }
            }
        }
        for (key, effect, resolution) in stated {
            // `on 13 October 2009, the Security Council, by its resolution 1892`.
            let adopted = if resolution.year.is_none() { self.adopted(sentence, resolution) } else { None };
            let year = resolution.year.clone().or_else(|| adopted.as_ref().map(|(date, _)| date[..4].to_owned()));
            let Some(year) = year.or_else(|| years.get(&resolution.number).cloned()) else { continue };
            let symbol = format!("S/RES/{} ({year})", resolution.number);
            let piece = |range: Range<usize>| prose.piece(block, range).span();
            let date = resolution.date.clone().or(adopted).map(|(date, range)| (date, piece(range)));
            if let Some(mention) = sentence.mentions.iter().find(|mention| key_of(mention, sentence.text) == key) {
                let mandate = Self::known(prose, block, found, mention);
                self.host(prose, block, &sentence.at, mention, mandate);
            }
            let mandate = found.get(&key);
            let effect = Some((effect.0, piece(effect.1)));
            if let Some(known) = mandate.by_symbol.get(&symbol) {
                let known = &mut mandate.instruments[*known];
                known.date = known.date.take().or(date);
            } else {
                mandate.by_symbol.insert(symbol.clone(), mandate.instruments.len());
                mandate.instruments.push(Instrument { symbol, at: piece(resolution.at.clone()), date, effect });
            }
            prove(mandate, certain("instrument", block, &sentence.at));
            mandate.refs.extend(prose.marks(block, &sentence.at).cloned());
        }
        last
    }

    // The last word for an effect in a part of a sentence.
    fn last_effect(&self, sentence: &Sentence<'_>, within: Range<usize>) -> Option<Effect> {
        let lower = &sentence.lower[within.clone()];
        let words = &self.form.prose;
        let lists = [
            ("establishes", &words.establishes),
            ("amends", &words.amends),
            ("extends", &words.extends),
            ("terminates", &words.terminates),
        ];
        let found = lists.into_iter().flat_map(|(effect, list)| {
            list.iter()
                .filter_map(move |word| phrases(lower, word).last().map(|at| (effect, within.start + at..within.start + at + word.len())))
        });
        found.max_by_key(|(_, range)| range.start)
    }

    // `on 13 October 2009, the Security Council, by its resolution 1892`: the day on which the resolution was adopted.
    fn adopted(&self, sentence: &Sentence<'_>, resolution: &Resolution) -> Option<(String, Range<usize>)> {
        let head = sentence.at.start..resolution.at.start;
        if !sentence.lower[head.clone()].trim_end().ends_with("by its resolution") {
            return None;
        }
        let dates =
            phrases(&sentence.lower[head.clone()], "on").filter_map(|at| self.date_at(sentence.text, head.start + at + "on ".len()));
        dates.filter(|(date, _)| date.len() == "2009-10-13".len()).last()
    }

    // What a clause says was done to a mission, if it says of which.
    fn effect(&self, prose: &Prose<'_>, sentence: &Sentence<'_>, clause: Range<usize>) -> Option<(String, Effect)> {
        let lower = &sentence.lower[clause.clone()];
        let words = &self.form.prose;
        let lists = [
            ("establishes", &words.establishes),
            ("amends", &words.amends),
            ("extends", &words.extends),
            ("terminates", &words.terminates),
        ];
        let (effect, verb) = lists
            .into_iter()
            .filter_map(|(effect, list)| first_of(lower, list).map(|verb| (effect, clause.start + verb.start..clause.start + verb.end)))
            .min_by_key(|(_, verb)| verb.start)?;
        if sentence.is_reported(verb.start) || sentence.is_denied(clause.start..verb.end) {
            return None;
        }
        let key = |mention: &MissionMention| key_of(mention, sentence.text);
        let before = sentence.mentions.iter().rev().find(|mention| mention.at.end <= verb.start);
        let own = Mission::by_acronym(&prose.own.acronym).map(|mission| mission.acronym.to_owned());
        let head = &sentence.lower[clause.start..verb.start];
        let near = &sentence.lower[clause.clone()];
        // `its mandate was adjusted` after the mission; `the mission's mandate` on the mission's own page.
        let key = match sentence.copula(clause.start, verb.start) {
            Some(None) => return None,
            Some(Some(copula)) => {
                let subjects = sentence.subjects_before(clause.start, copula);
                let of = phrases(head, "mandate of").next().or_else(|| phrases(head, "mandates of").next());
                match (subjects.first(), before) {
                    (Some(subject), _) => key(&sentence.mentions[*subject]),
                    (None, Some(mention)) if has_any(head, &["its mandate", "the mandate", "'s mandate", "’s mandate"]) || of.is_some() => {
                        key(mention)
                    }
                    _ => return None,
                }
            }
            // `X, set up by ...`.
            None => match before {
                Some(mention) if sentence.text[mention.at.end..verb.start].trim() == "," => key(mention),
                _ if has_any(near, &["mission's mandate", "mission’s mandate", "its mandate"]) => match (&own, sentence.mentions) {
                    (Some(own), _) => own.clone(),
                    (None, [only]) => key(only),
                    _ => return None,
                },
                _ => return None,
            },
        };
        Some((key, (effect, verb)))
    }

    fn put_mandates(&mut self, prose: &Prose<'_>, mut found: Found) {
        // Missions that are named come first.
        found.mandates.sort_by_key(|(_, mandate)| mandate.acronym.is_none());
        for (key, mandate) in found.mandates {
            let Some(opening) = mandate.acronym.as_ref().or(mandate.description.as_ref()).map(SpannedText::span) else { continue };
            let opening = mandate.name.as_ref().map_or(opening, |name| name.span().to(opening));
            let mut object = Object { derived: true, ..Object::new(opening) };
            if let Some(acronym) = mandate.acronym {
                let mut mission = Object::new(opening);
                if let Some(name) = mandate.name {
                    mission.text("name", name);
                }
                mission.text("acronym", acronym);
                object.put("mission", Span::at(opening.start), Value::Object(mission));
            } else if let Some(description) = mandate.description {
                object.text("mission_description", description);
            }
            for (country, code) in mandate.hosts {
                let mut host = Object::new(country.span());
                let span = country.span();
                host.text("name", country);
                host.derived("code", code, span);
                object.list("host_countries", Span::at(opening.start)).push(Value::Object(host));
            }
            for instrument in &mandate.instruments {
                let value = instrument.value();
                object.list("instruments", Span::at(instrument.at.start)).push(value);
            }
            let charged: Vec<&str> = mandate.tasks.iter().map(|(code, _)| code.as_str()).collect();
            let charged = if charged.is_empty() { String::new() } else { format!(", tasks {}", charged.join(", ")) };
            for (code, span) in mandate.tasks {
                object.list("tasks", Span::at(span.start)).push(Value::Written(code, span));
            }
            put_refs(&mut object, mandate.refs.iter());
            object.put("derived", Span::at(opening.start), Value::Derived(Kind::Bool, "true".to_owned(), opening));
            evidence::put(&mut object, self.source, prose.blocks, &mandate.evidence);
            let pointer = format!("/mandates/{}", self.record.count("mandates"));
            let message = format!("a mandate is read from the narrative: {key}{charged}");
            self.emit(&rules::READ_FROM_PROSE, opening, message, &pointer).help = Some(super::CONFIRM.to_owned());
            self.record.list("mandates", Span::at(opening.start)).push(Value::Object(object));
        }
    }
}

fn has_any(lower: &str, list: &[&str]) -> bool {
    list.iter().any(|phrase| lower.contains(phrase))
}

fn key_of(mention: &MissionMention, text: &str) -> String {
    mention.known.map_or_else(|| text[mention.acronym.clone()].to_owned(), |mission| mission.acronym.to_owned())
}

fn prove(mandate: &mut Mandate, evidence: Evidence) {
    // Evidence comes sentence by sentence, so that the same stands near the end.
    const NEAR: usize = 4;
    if !mandate.evidence.iter().rev().take(NEAR).any(|known| *known == evidence) {
        mandate.evidence.push(evidence);
    }
}

fn charge(prose: &Prose<'_>, block: usize, at: &Range<usize>, mandate: &mut Mandate, stated: &[(&str, Range<usize>)]) {
    for (code, range) in stated {
        if !mandate.tasks.iter().any(|(known, _)| known == code) {
            mandate.tasks.push(((*code).to_owned(), prose.piece(block, range.clone()).span()));
        }
    }
    mandate.refs.extend(prose.marks(block, at).cloned());
    prove(mandate, certain("mandate", block, at));
}

impl Instrument {
    fn value(&self) -> Value {
        let mut object = Object::new(self.at);
        object.derived("kind", "security_council_resolution", self.at);
        object.put("symbol", Span::at(self.at.start), Value::Written(self.symbol.clone(), self.at));
        if let Some((date, at)) = &self.date {
            object.put("date", Span::at(at.start), Value::Written(date.clone(), *at));
        }
        if let Some((effect, at)) = self.effect {
            object.put("effect", Span::at(at.start), Value::Written(effect.to_owned(), at));
        }
        Value::Object(object)
    }
}
