//! Templates that may call each other, as files and texts define them, and the doors to render them.

use std::sync::{Arc, LazyLock};

use super::builtins::builtins;
use super::error::TemplateError;
use super::eval::{Machine, Trees};
use super::functions::Functions;
use super::limits::Limits;
use super::parser;
use super::value::Value;
use crate::model::number::quote;

static BUILTINS: LazyLock<Functions> = LazyLock::new(builtins);

/// Named templates that see each other. Cloning shares them; adding to a clone leaves the original alone.
#[derive(Clone, Default)]
pub struct TemplateSet {
    trees: Arc<Trees>,
}

impl TemplateSet {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a text under a name, with all it defines. What is already there under the same name is replaced,
    /// unless the new one is empty. `functions` are those it may call (only their names matter here).
    pub fn add(&mut self, name: &str, text: &str, functions: &Functions) -> Result<(), TemplateError> {
        let is_function = |word: &str| functions.contains(word) || BUILTINS.contains(word);
        let parsed = parser::parse(name, text, &is_function).map_err(TemplateError::Parse)?;
        let trees = Arc::make_mut(&mut self.trees);
        for (name, tree) in parsed {
            let keeps_present = tree.is_empty() && trees.get(&name).is_some_and(|present| !present.is_empty());
            if !keeps_present {
                trees.insert(name, Arc::new(tree));
            }
        }
        Ok(())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.trees.contains_key(name)
    }

    /// Names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// Renders a template of the set as plain text.
    pub fn render_text(&self, name: &str, data: &Value, functions: &Functions, limits: Limits) -> Result<String, TemplateError> {
        self.render(name, data, functions, limits, false)
    }

    /// Renders it as a page: every value is escaped for where it stands.
    pub fn render_html(&self, name: &str, data: &Value, functions: &Functions, limits: Limits) -> Result<String, TemplateError> {
        self.render(name, data, functions, limits, true)
    }

    fn render(&self, name: &str, data: &Value, functions: &Functions, limits: Limits, html: bool) -> Result<String, TemplateError> {
        let Some(tree) = self.trees.get(name) else {
            return Err(TemplateError::Execute(format!("template: {} is undefined", quote(name))));
        };
        Machine::new(&self.trees, tree, functions, &BUILTINS, limits, html).run(data.clone())
    }

    /// Renders a text that may call the set's templates, as the fields of receivers do; the set itself is not changed.
    pub fn render_text_with(&self, text: &str, data: &Value, functions: &Functions, limits: Limits) -> Result<String, TemplateError> {
        let mut set = self.clone();
        set.add("", text, functions)?;
        set.render("", data, functions, limits, false)
    }

    /// The same as a page.
    pub fn render_html_with(&self, text: &str, data: &Value, functions: &Functions, limits: Limits) -> Result<String, TemplateError> {
        let mut set = self.clone();
        set.add("", text, functions)?;
        set.render("", data, functions, limits, true)
    }
}

/// One text with what it defines.
#[derive(Clone)]
pub struct Template {
    name: String,
    set: TemplateSet,
}

impl Template {
    pub fn parse(name: &str, text: &str, functions: &Functions) -> Result<Self, TemplateError> {
        let mut set = TemplateSet::new();
        set.add(name, text, functions)?;
        Ok(Self { name: name.to_owned(), set })
    }

    pub fn render_text(&self, data: &Value, functions: &Functions, limits: Limits) -> Result<String, TemplateError> {
        self.set.render_text(&self.name, data, functions, limits)
    }

    pub fn render_html(&self, data: &Value, functions: &Functions, limits: Limits) -> Result<String, TemplateError> {
        self.set.render_html(&self.name, data, functions, limits)
    }
}
