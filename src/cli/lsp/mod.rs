//! `chancery lsp`: a language server over standard input and output, which shows findings as you type.
//!
//! This file receives messages and sends responses. All pending messages are received before a document is checked, so
//! that only its newest version is checked. A document is checked with the `chancery.toml` above it if it is one of its
//! sources; for any other document, only the syntax is checked, unless a schema was given on the command line.

mod actions;
mod completion;
mod cursor;
mod diagnostics;
mod document;
mod hover;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response, ResponseError};
use lsp_types::notification::{self as diagnostic, Notification as _};
use lsp_types::request::{self as ask, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions, HoverProviderCapability, InitializeParams,
    InitializeResult, MessageType, PositionEncodingKind, PublishDiagnosticsParams, SaveOptions, ServerCapabilities, ServerInfo,
    ShowMessageParams, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::LspArgs;
use super::{CliError, ExitStatus};
use chancery_core::diagnostic::Diagnostic;
use chancery_engine::project::CONFIG_NAME;
use chancery_engine::project::config::Config;
use chancery_engine::project::document_check::DocumentCheck;
use chancery_formats::read::Format;
use document::{Document, Encoding};

/// Runs the command until the client exits or disconnects.
pub fn run(args: LspArgs) -> Result<ExitStatus, CliError> {
    let (connection, threads) = Connection::stdio();
    let served = serve(&connection, args);
    // The writer ends when all senders are dropped.
    drop(connection);
    let joined = threads.join();
    match served {
        // A client may disconnect in the middle of a message.
        ShutdownKind::Disconnected => Ok(ExitStatus::Clean),
        ShutdownKind::Requested => joined.map(|()| ExitStatus::Clean).map_err(CliError::Io),
    }
}

enum ShutdownKind {
    Requested,
    Disconnected,
}

fn serve(connection: &Connection, args: LspArgs) -> ShutdownKind {
    let Ok((id, params)) = connection.initialize_start() else { return ShutdownKind::Disconnected };
    let params: InitializeParams = serde_json::from_value(params).unwrap_or_default();
    let encoding = Encoding::negotiated(params.capabilities.general.as_ref().and_then(|general| general.position_encodings.as_deref()));
    let result = InitializeResult {
        capabilities: capabilities(encoding),
        server_info: Some(ServerInfo { name: "chancery".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) }),
    };
    if connection.initialize_finish(id, serde_json::to_value(result).unwrap_or_default()).is_err() {
        return ShutdownKind::Disconnected;
    }
    let snippets =
        params.capabilities.text_document.as_ref().and_then(|text| text.completion.as_ref()?.completion_item.as_ref()?.snippet_support);
    let mut server = Server {
        connection,
        schema: args.schema,
        encoding,
        snippets: snippets.unwrap_or(false),
        documents: HashMap::new(),
        with_messages: Vec::new(),
    };
    while let Ok(message) = connection.receiver.recv() {
        let mut waiting = Some(message);
        while let Some(message) = waiting {
            match message {
                Message::Request(request) => {
                    if connection.handle_shutdown(&request).unwrap_or(true) {
                        return ShutdownKind::Requested;
                    }
                    server.check_changed();
                    server.answer(request);
                }
                Message::Notification(notification) if notification.method == diagnostic::Exit::METHOD => {
                    return ShutdownKind::Disconnected;
                }
                Message::Notification(notification) => server.notice(notification),
                Message::Response(_) => {}
            }
            waiting = connection.receiver.try_recv().ok();
        }
        server.check_changed();
    }
    ShutdownKind::Disconnected
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(PositionEncodingKind::from(encoding)),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(["\"", "<", " ", ":", ","].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, actions::fix_all()]),
            ..CodeActionOptions::default()
        })),
        ..ServerCapabilities::default()
    }
}

/// An open document.
struct Open {
    document: Document,
    language: String,
    // How it is checked; created on first use, and again when a config or schema may have changed.
    check: Option<DocumentCheck>,
    findings: Vec<Diagnostic>,
    changed: bool,
}

struct Server<'c> {
    connection: &'c Connection,
    schema: Option<String>,
    encoding: Encoding,
    snippets: bool,
    documents: HashMap<Uri, Open>,
    // Files other than documents with published findings: configs and schemas.
    with_messages: Vec<Uri>,
}

impl Server<'_> {
    fn send(&self, message: impl Into<Message>) {
        // A disconnected client is noticed when the next message is received.
        let _ = self.connection.sender.send(message.into());
    }

    fn notify<N: diagnostic::Notification>(&self, params: N::Params) {
        self.send(Notification::new(N::METHOD.to_owned(), params));
    }

    fn notice(&mut self, notification: Notification) {
        match &*notification.method {
            diagnostic::DidOpenTextDocument::METHOD => {
                if let Some(params) = read::<diagnostic::DidOpenTextDocument>(notification.params) {
                    let opened = params.text_document;
                    let document = Document::new(opened.text, opened.version, self.encoding);
                    let open = Open { document, language: opened.language_id, check: None, findings: Vec::new(), changed: true };
                    self.documents.insert(opened.uri, open);
                }
            }
            diagnostic::DidChangeTextDocument::METHOD => {
                if let Some(params) = read::<diagnostic::DidChangeTextDocument>(notification.params)
                    && let Some(open) = self.documents.get_mut(&params.text_document.uri)
                {
                    open.document.change(params.content_changes, params.text_document.version);
                    open.changed = true;
                }
            }
            diagnostic::DidCloseTextDocument::METHOD => {
                if let Some(params) = read::<diagnostic::DidCloseTextDocument>(notification.params) {
                    self.documents.remove(&params.text_document.uri);
                    self.publish(params.text_document.uri, Vec::new(), None);
                }
            }
            // The saved file may be a schema or a config, of this document or of another.
            diagnostic::DidSaveTextDocument::METHOD
            | diagnostic::DidChangeWatchedFiles::METHOD
            | diagnostic::DidChangeConfiguration::METHOD => {
                for open in self.documents.values_mut() {
                    open.check = None;
                    open.changed = true;
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, request: Request) {
        let id = request.id.clone();
        let answer = match &*request.method {
            ask::HoverRequest::METHOD => self.on(request, |server, params: lsp_types::HoverParams| {
                let at = params.text_document_position_params;
                let open = server.documents.get(&at.text_document.uri)?;
                hover::hover(&open.document, open.check.as_ref()?, at.position)
            }),
            ask::Completion::METHOD => self.on(request, |server, params: lsp_types::CompletionParams| {
                let at = params.text_document_position;
                let open = server.documents.get(&at.text_document.uri)?;
                Some(completion::complete(&open.document, open.check.as_ref()?, at.position, server.snippets))
            }),
            ask::CodeActionRequest::METHOD => self.on(request, |server, params: lsp_types::CodeActionParams| {
                let open = server.documents.get(&params.text_document.uri)?;
                Some(actions::actions(&open.document, &open.findings, &params))
            }),
            other => {
                let message = format!("{other} is not offered");
                Err(ResponseError { code: ErrorCode::MethodNotFound as i32, message, data: None })
            }
        };
        self.send(match answer {
            Ok(value) => Response::new_ok(id, value),
            Err(error) => Response::new_err(id, error.code, error.message),
        });
    }

    fn on<P: DeserializeOwned, R: serde::Serialize>(
        &mut self,
        request: Request,
        work: impl FnOnce(&Self, P) -> Option<R>,
    ) -> Result<Value, ResponseError> {
        let invalid =
            |error: serde_json::Error| ResponseError { code: ErrorCode::InvalidParams as i32, message: error.to_string(), data: None };
        let params = serde_json::from_value(request.params).map_err(invalid)?;
        serde_json::to_value(work(self, params)).map_err(invalid)
    }

    // Checks the changed documents, each once, in order of their names.
    fn check_changed(&mut self) {
        let mut changed: Vec<Uri> = self.documents.iter().filter(|(_, open)| open.changed).map(|(uri, _)| uri.clone()).collect();
        if changed.is_empty() {
            return;
        }
        changed.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        for uri in std::mem::take(&mut self.with_messages).into_iter().filter(|uri| !self.documents.contains_key(uri)) {
            self.publish(uri, Vec::new(), None);
        }
        for uri in changed {
            let Some(mut open) = self.documents.remove(&uri) else { continue };
            open.changed = false;
            self.check(&uri, &mut open);
            self.documents.insert(uri, open);
        }
    }

    fn check(&mut self, uri: &Uri, open: &mut Open) {
        let name = name_of(uri);
        if open.check.is_none() {
            match self.recheck(uri, &open.language) {
                Ok(judge) => open.check = Some(judge),
                Err(error) => {
                    open.findings = Vec::new();
                    return self.show_message(uri, &name, open, error);
                }
            }
        }
        let Some(judge) = &open.check else { return };
        open.findings = judge.check(open.document.text()).into_iter().filter(|finding| *finding.place.locate().file == *name).collect();
        let shown = diagnostics::all(&open.findings, &open.document, uri, &name);
        self.publish(uri.clone(), shown, Some(open.document.version()));
    }

    // Errors in a config or schema are shown in that file.
    fn show_message(&mut self, uri: &Uri, name: &str, open: &Open, error: CliError) {
        let findings = match error {
            CliError::Findings(findings) => findings,
            other => {
                self.notify::<diagnostic::ShowMessage>(ShowMessageParams { typ: MessageType::ERROR, message: other.to_string() });
                Vec::new()
            }
        };
        let (own, others): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| *finding.place.locate().file == *name);
        self.publish(uri.clone(), diagnostics::all(&own, &open.document, uri, name), Some(open.document.version()));
        let mut by_file: Vec<(String, Vec<Diagnostic>)> = Vec::new();
        for finding in others {
            let file = finding.place.locate().file.to_string();
            match by_file.iter_mut().find(|(known, _)| *known == file) {
                Some((_, findings)) => findings.push(finding),
                None => by_file.push((file, vec![finding])),
            }
        }
        for (file, findings) in by_file {
            let (Some(other), Ok(text)) = (uri_of(Path::new(&file)), std::fs::read_to_string(&file)) else { continue };
            let document = Document::new(text, 0, self.encoding);
            self.publish(other.clone(), diagnostics::all(&findings, &document, &other, &file), None);
            self.with_messages.push(other);
        }
    }

    fn recheck(&self, uri: &Uri, language: &str) -> Result<DocumentCheck, CliError> {
        let path = path_of(uri);
        let name = name_of(uri);
        let by_language = match language {
            "jsonc" | "json" => Some(Format::Json),
            "jsonl" | "jsonlines" => Some(Format::Ndjson),
            other => Format::by_name(other),
        };
        let from = if Format::by_extension(&name).is_some() { None } else { by_language };
        if let Some(path) = path.as_deref().filter(|path| path.file_name().is_some_and(|file| file == CONFIG_NAME)) {
            return Ok(DocumentCheck::of_config(path)?);
        }
        let config = match path.as_deref().and_then(Path::parent) {
            Some(folder) => Config::above(folder)?,
            None => Config::default(),
        };
        Ok(DocumentCheck::new(&config, &name, path, from, self.schema.as_deref())?)
    }

    fn publish(&self, uri: Uri, diagnostics: Vec<lsp_types::Diagnostic>, version: Option<i32>) {
        self.notify::<diagnostic::PublishDiagnostics>(PublishDiagnosticsParams { uri, diagnostics, version });
    }
}

fn read<N: diagnostic::Notification>(params: Value) -> Option<N::Params> {
    // A notification has no response, so invalid ones are ignored.
    serde_json::from_value(params).ok()
}

// The file of an address, if it has one.
fn path_of(uri: &Uri) -> Option<PathBuf> {
    url::Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

/// The address of a file.
fn uri_of(path: &Path) -> Option<Uri> {
    let absolute = std::path::absolute(path).ok()?;
    Uri::from_str(url::Url::from_file_path(absolute).ok()?.as_str()).ok()
}

// The name of the document in findings.
fn name_of(uri: &Uri) -> String {
    path_of(uri).map_or_else(|| uri.as_str().to_owned(), |path| path.to_string_lossy().replace('\\', "/"))
}
