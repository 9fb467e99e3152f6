//! Calling functions and methods: how many arguments, of which types, and what comes back.

use super::{Machine, Place};
use crate::model::number::quote;
use crate::template::ast::Operand;
use crate::template::error::TemplateError;
use crate::template::functions::{Body, Function};
use crate::template::value::Value;

impl<'a> Machine<'a> {
    pub(super) fn function(
        &mut self,
        dot: &Value,
        name: &'a str,
        at: Place<'a>,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Value, TemplateError> {
        if let Some(function) = self.functions.get(name) {
            let function = function.clone();
            return self.invoke(dot, &function, name, at, args, last);
        }
        let Some(function) = self.builtins.get(name) else {
            return self.error(format!("{} is not a defined function", quote(name)));
        };
        match name {
            "and" | "or" => self.short_circuit(dot, name, args, last),
            _ => self.invoke(dot, function, name, at, args, last),
        }
    }

    /// `and` and `or` stop at the first argument that decides.
    fn short_circuit(&mut self, dot: &Value, name: &str, args: &'a [Operand], last: Option<Value>) -> Result<Value, TemplateError> {
        if args.is_empty() && last.is_none() {
            return self.error(format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let mut value = Value::Nil;
        for arg in args {
            value = self.argument(dot, crate::template::functions::Kind::Any, arg)?;
            if value.is_true() == (name == "or") {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    pub(super) fn invoke(
        &mut self,
        dot: &Value,
        function: &Function,
        name: &str,
        at: Place<'a>,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Value, TemplateError> {
        let given = args.len() + usize::from(last.is_some());
        if function.variadic {
            let required = function.required();
            if given < required {
                return self.error(format!("wrong number of args for {name}: want at least {required} got {}", args.len()));
            }
        } else if given != function.params.len() {
            return self.error(format!("wrong number of args for {name}: want {} got {given}", function.params.len()));
        }
        let mut values = Vec::with_capacity(given);
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, function.kind_at(index), arg)?);
        }
        if let Some(last) = last {
            values.push(self.fitting(last, function.kind_at(args.len()))?);
        }
        for value in &values {
            self.spend(value.weight())?;
        }
        let outcome = match &function.body {
            Body::Plain(body) => body(&values),
            Body::Closure(body) => body(&values),
            Body::Template => {
                let name = values.first().and_then(Value::as_text).unwrap_or("").to_owned();
                let data = values.get(1).cloned().unwrap_or(Value::Nil);
                return self.rendered(&name, data);
            }
        };
        match outcome {
            Ok(value) => {
                self.charge(&value)?;
                Ok(value)
            }
            Err(message) => {
                self.place = Some(at);
                // `call` names what it was given.
                let callee = args.first().filter(|_| name == "call").map_or_else(String::new, |callee| format!("non-function {callee}"));
                let message = if callee.is_empty() { message } else { message.replacen("non-function", &callee, 1) };
                self.error(format!("error calling {name}: {message}"))
            }
        }
    }
}
