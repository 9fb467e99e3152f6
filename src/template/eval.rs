//! Runs a parsed template over data: the control structures, and the account of what it costs.

mod call;
mod expression;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Branch, Command, Node, Operand, Pipe, TemplateCall, Tree};
use super::error::TemplateError;
use super::functions::{Functions, Kind};
use super::html::Escaper;
use super::limits::Limits;
use super::print::{shown, sprint};
use super::value::{Markup, Value};
use crate::model::number::quote;

/// The trees of a set, by name.
pub type Trees = BTreeMap<String, Arc<Tree>>;

/// What of the tree is being evaluated, for messages.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Pipe(&'a Pipe),
    Command(&'a Command),
    Operand(&'a Operand),
    Call(&'a TemplateCall),
}

pub(super) enum Flow {
    On,
    Break,
    Continue,
}

/// One render.
pub struct Machine<'a> {
    pub(super) trees: &'a Trees,
    pub(super) functions: &'a Functions,
    pub(super) builtins: &'a Functions,
    limits: Limits,
    steps: u64,
    depth: usize,
    out: String,
    escaper: Option<Escaper>,
    pub(super) tree: &'a Tree,
    pub(super) place: Option<Place<'a>>,
    pub(super) variables: Vec<(&'a str, Value)>,
}

impl<'a> Machine<'a> {
    /// `html` turns contextual escaping on.
    pub fn new(trees: &'a Trees, tree: &'a Tree, functions: &'a Functions, builtins: &'a Functions, limits: Limits, html: bool) -> Self {
        let escaper = html.then(Escaper::default);
        Self {
            trees,
            functions,
            builtins,
            limits,
            steps: 0,
            depth: 0,
            out: String::new(),
            escaper,
            tree,
            place: None,
            variables: Vec::new(),
        }
    }

    /// Renders and gives the text.
    pub fn run(mut self, data: Value) -> Result<String, TemplateError> {
        self.variables.push(("$", data.clone()));
        self.list(&self.tree.body, &data)?;
        Ok(self.out)
    }

    /// A message at the present place, in Go's form.
    pub(super) fn error<T>(&self, message: impl std::fmt::Display) -> Result<T, TemplateError> {
        Err(TemplateError::Execute(self.message(message)))
    }

    fn message(&self, message: impl std::fmt::Display) -> String {
        let name = &self.tree.name;
        let (at, context) = match self.place {
            None => return format!("template: {name}: {message}"),
            Some(Place::Pipe(pipe)) => (pipe.at, pipe.to_string()),
            Some(Place::Command(command)) => (command.at, command.to_string()),
            Some(Place::Operand(operand)) => (operand.at(), operand.to_string()),
            Some(Place::Call(call)) => (call.at, call.to_string()),
        };
        let (line, column) = self.line_column(at);
        format!("template: {}:{line}:{column}: executing {} at <{context}>: {message}", self.tree.source_name, quote(name))
    }

    /// Of a byte of the template's source: the line from 1, the column from 0.
    fn line_column(&self, at: usize) -> (usize, usize) {
        let before = self.tree.source.get(..at).unwrap_or("");
        (before.matches('\n').count() + 1, at - before.rfind('\n').map_or(0, |end| end + 1))
    }

    /// Charges work; every loop of the evaluator passes here.
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), TemplateError> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.limits.steps {
            let limit = self.limits.steps;
            return Err(TemplateError::Limit(self.message(format!("template takes more than the limit of {limit} steps"))));
        }
        Ok(())
    }

    /// Charges a value that was just made; one too long is refused.
    pub(super) fn charge(&mut self, value: &Value) -> Result<(), TemplateError> {
        if value.as_text().is_some_and(|text| text.len() > self.limits.output_bytes) {
            return self.too_long();
        }
        self.spend(value.weight())
    }

    fn too_long<T>(&self) -> Result<T, TemplateError> {
        let limit = self.limits.output_bytes;
        Err(TemplateError::Limit(self.message(format!("text is longer than the limit of {limit} bytes"))))
    }

    fn enter(&mut self) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return self.error(format!("exceeded maximum template depth ({})", self.limits.depth));
        }
        Ok(())
    }

    fn write_text(&mut self, text: &str) -> Result<(), TemplateError> {
        match &mut self.escaper {
            Some(escaper) => escaper.literal(text, &mut self.out),
            None => self.out.push_str(text),
        }
        self.spend(1 + text.len() as u64 / 64)?;
        if self.out.len() > self.limits.output_bytes { self.too_long() } else { Ok(()) }
    }

    /// An action that prints. In a page a pipeline that ends in `html` leaves that to the contextual escaper, as Go does.
    fn print(&mut self, dot: &Value, pipe: &'a Pipe) -> Result<(), TemplateError> {
        let unescaped = if self.escaper.is_some() { self.before_html(dot, pipe)? } else { None };
        let ends_in_html = unescaped.is_some();
        let value = match unescaped {
            Some(value) => value,
            None => self.pipe(dot, pipe)?,
        };
        self.place = Some(Place::Pipe(pipe));
        if matches!(value, Value::Function(_)) {
            return self.error(format!("can't print {pipe} of type func"));
        }
        match &mut self.escaper {
            Some(escaper) if ends_in_html => escaper.value_for_html(&value, &mut self.out),
            Some(escaper) => escaper.value(&already_query(pipe, value), &mut self.out),
            None => self.out.push_str(&shown(&value)),
        }
        self.spend(1)?;
        if self.out.len() > self.limits.output_bytes { self.too_long() } else { Ok(()) }
    }

    /// The value that a final `html` would escape; none where the pipeline ends otherwise.
    fn before_html(&mut self, dot: &Value, pipe: &'a Pipe) -> Result<Option<Value>, TemplateError> {
        let Some((last, before)) = pipe.commands.split_last() else { return Ok(None) };
        let is_html = matches!(&last.args[0], Operand::Identifier { name, .. } if name == "html");
        match (is_html && !self.functions.contains("html"), before.is_empty(), last.args.len()) {
            (true, false, 1) => self.commands(dot, before).map(Some),
            (true, true, 2..) => {
                let mut values = Vec::with_capacity(last.args.len() - 1);
                for arg in &last.args[1..] {
                    values.push(self.argument(dot, Kind::Any, arg)?);
                }
                let joined = if values.len() == 1 { values.remove(0) } else { Value::from(sprint(&values)) };
                Ok(Some(joined))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn list(&mut self, nodes: &'a [Node], dot: &Value) -> Result<Flow, TemplateError> {
        self.enter()?;
        let mut flow = Flow::On;
        for node in nodes {
            flow = self.node(node, dot)?;
            if !matches!(flow, Flow::On) {
                break;
            }
        }
        self.depth -= 1;
        Ok(flow)
    }

    fn node(&mut self, node: &'a Node, dot: &Value) -> Result<Flow, TemplateError> {
        self.spend(1)?;
        match node {
            Node::Text(text) => self.write_text(text)?,
            Node::Action(pipe) => {
                if pipe.variables.is_empty() {
                    self.print(dot, pipe)?;
                } else {
                    self.pipe(dot, pipe)?;
                }
            }
            Node::If(branch) => return self.branch(branch, dot, false),
            Node::With(branch) => return self.branch(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Call(call) => self.template(call, dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn branch(&mut self, branch: &'a Branch, dot: &Value, moves_dot: bool) -> Result<Flow, TemplateError> {
        let scope = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?;
        let flow = if value.is_true() {
            self.list(&branch.then, if moves_dot { &value } else { dot })?
        } else if let Some(otherwise) = &branch.otherwise {
            self.list(otherwise, dot)?
        } else {
            Flow::On
        };
        self.variables.truncate(scope);
        Ok(flow)
    }

    fn range(&mut self, branch: &'a Branch, dot: &Value) -> Result<Flow, TemplateError> {
        let scope = self.variables.len();
        let value = self.pipe(dot, &branch.pipe)?.unwrapped();
        let mut ran = false;
        let mut flow = Flow::On;
        match &value {
            Value::Int(_) if branch.pipe.variables.len() > 1 => {
                return self.error(format!("can't use {} to iterate over more than one variable", shown(&value)));
            }
            Value::Int(count) => {
                for index in 0..*count {
                    ran = true;
                    if self.turn(branch, Value::Nil, Value::Int(index), &mut flow)? {
                        break;
                    }
                }
            }
            Value::List(list) => {
                for (index, item) in list.items.iter().enumerate() {
                    ran = true;
                    if self.turn(branch, Value::Int(index as i64), item.clone(), &mut flow)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, item) in map.entries.iter() {
                    ran = true;
                    if self.turn(branch, Value::Text(key.clone()), item.clone(), &mut flow)? {
                        break;
                    }
                }
            }
            Value::Nil => {}
            other => return self.error(format!("range can't iterate over {}", shown(other))),
        }
        if !ran && let Some(otherwise) = &branch.otherwise {
            flow = self.list(otherwise, dot)?;
        }
        self.variables.truncate(scope);
        Ok(flow)
    }

    /// One turn of a range; true ends it.
    fn turn(&mut self, branch: &'a Branch, index: Value, item: Value, flow: &mut Flow) -> Result<bool, TemplateError> {
        self.spend(1)?;
        let pipe = &branch.pipe;
        let scope = self.variables.len();
        let (key, element) = match pipe.variables.len() {
            0 => (None, None),
            1 => (None, Some(0)),
            _ => (Some(0), Some(1)),
        };
        for (place, value) in [(key, &index), (element, &item)] {
            let Some(name) = place.and_then(|at| pipe.variables.get(at)) else { continue };
            self.assign(name, value.clone(), pipe.assigns)?;
        }
        // A plain declaration made the variables already when the pipeline ran: those here shadow them.
        let inner = self.list(&branch.then, &item)?;
        self.variables.truncate(scope);
        *flow = Flow::On;
        Ok(matches!(inner, Flow::Break))
    }

    pub(super) fn assign(&mut self, name: &'a str, value: Value, existing: bool) -> Result<(), TemplateError> {
        if !existing {
            self.variables.push((name, value));
            return Ok(());
        }
        match self.variables.iter_mut().rev().find(|(present, _)| *present == name) {
            Some((_, slot)) => *slot = value,
            None => return self.error(format!("undefined variable: {name}")),
        }
        Ok(())
    }

    fn template(&mut self, call: &'a TemplateCall, dot: &Value) -> Result<(), TemplateError> {
        self.place = Some(Place::Call(call));
        let Some(tree) = self.trees.get(&call.name) else {
            if self.escaper.is_some() {
                let (line, column) = self.line_column(call.at);
                let text = format!("html/template:{}:{line}:{column}: no such template {}", self.tree.source_name, quote(&call.name));
                return Err(TemplateError::Execute(text));
            }
            return self.error(format!("template {} not defined", quote(&call.name)));
        };
        let data = match &call.pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Nil,
        };
        self.place = Some(Place::Call(call));
        self.enter()?;
        self.enter_tree(tree, data)?;
        self.depth -= 1;
        Ok(())
    }

    fn enter_tree(&mut self, tree: &'a Tree, data: Value) -> Result<(), TemplateError> {
        let outer = std::mem::replace(&mut self.tree, tree);
        let variables = std::mem::replace(&mut self.variables, vec![("$", data.clone())]);
        self.list(&tree.body, &data)?;
        self.tree = outer;
        self.variables = variables;
        Ok(())
    }

    /// Another template's text as a value: what the function `tmpl` gives.
    pub(super) fn rendered(&mut self, name: &str, data: Value) -> Result<Value, TemplateError> {
        let Some(tree) = self.trees.get(name) else {
            return self.error(format!("error calling tmpl: template {} not defined", quote(name)));
        };
        let out = std::mem::take(&mut self.out);
        let escaper = self.escaper.as_mut().map(std::mem::take);
        let place = self.place;
        self.enter()?;
        self.enter_tree(tree, data)?;
        self.depth -= 1;
        self.place = place;
        self.escaper = escaper;
        let text = std::mem::replace(&mut self.out, out);
        Ok(Value::Safe(Markup::Html, text.into()))
    }
}

/// What `urlquery` has escaped is not escaped for a query again.
fn already_query(pipe: &Pipe, value: Value) -> Value {
    match (pipe.commands.last().map(|command| &command.args[0]), value.as_text()) {
        (Some(Operand::Identifier { name, .. }), Some(text)) if name == "urlquery" => Value::Safe(Markup::Url, text.into()),
        _ => value,
    }
}
