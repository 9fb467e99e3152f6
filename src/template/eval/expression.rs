//! Pipelines, commands and operands to values.

use super::{Machine, Place};
use crate::template::ast::{Command, Number, Operand, Pipe};
use crate::template::error::TemplateError;
use crate::template::functions::Kind;
use crate::template::value::Value;

impl<'a> Machine<'a> {
    /// The value of a pipeline; its variables stay declared until the caller cuts them off.
    pub(super) fn pipe(&mut self, dot: &Value, pipe: &'a Pipe) -> Result<Value, TemplateError> {
        self.place = Some(Place::Pipe(pipe));
        let value = self.commands(dot, &pipe.commands)?;
        for name in &pipe.variables {
            self.assign(name, value.clone(), pipe.assigns)?;
        }
        Ok(value)
    }

    /// Each command gets the value of the one before.
    pub(super) fn commands(&mut self, dot: &Value, commands: &'a [Command]) -> Result<Value, TemplateError> {
        let mut value = None;
        for command in commands {
            value = Some(self.command(dot, command, value)?.unwrapped());
        }
        Ok(value.unwrap_or(Value::Nil))
    }

    /// `last` is the value of the command before, this one's final argument.
    fn command(&mut self, dot: &Value, command: &'a Command, last: Option<Value>) -> Result<Value, TemplateError> {
        self.spend(1)?;
        let first = &command.args[0];
        let rest = &command.args[1..];
        match first {
            Operand::Field { names, .. } => {
                self.place = Some(Place::Operand(first));
                self.fields(dot, dot.clone(), first, names, rest, last)
            }
            Operand::Chain { node, names, .. } => {
                let receiver = self.chain_receiver(dot, first, node)?;
                self.fields(dot, receiver, first, names, rest, last)
            }
            Operand::Identifier { name, .. } => {
                self.place = Some(Place::Operand(first));
                self.function(dot, name, Place::Command(command), rest, last)
            }
            Operand::Pipe(pipe) => {
                self.refuse_arguments(first, rest, last.is_some())?;
                self.pipe(dot, pipe)
            }
            Operand::Variable { names, .. } => {
                self.place = Some(Place::Operand(first));
                let value = self.variable(&names[0])?;
                if names.len() == 1 {
                    self.refuse_arguments(first, rest, last.is_some())?;
                    return Ok(value);
                }
                self.fields(dot, value, first, &names[1..], rest, last)
            }
            constant => {
                self.place = Some(Place::Operand(first));
                self.refuse_arguments(first, rest, last.is_some())?;
                match constant {
                    Operand::Dot { .. } => Ok(dot.clone()),
                    Operand::Nil { .. } => self.error("nil is not a command"),
                    Operand::Number { number, .. } => self.ideal(number),
                    Operand::Text { text, .. } => Ok(Value::Text(text.clone())),
                    Operand::Bool { value, .. } => Ok(Value::Bool(*value)),
                    other => self.error(format!("can't evaluate command \"{other}\"")),
                }
            }
        }
    }

    fn refuse_arguments(&mut self, first: &Operand, rest: &[Operand], piped: bool) -> Result<(), TemplateError> {
        if rest.is_empty() && !piped { Ok(()) } else { self.error(format!("can't give argument to non-function {first}")) }
    }

    fn chain_receiver(&mut self, dot: &Value, chain: &'a Operand, node: &'a Operand) -> Result<Value, TemplateError> {
        self.place = Some(Place::Operand(chain));
        if matches!(node, Operand::Nil { .. }) {
            return self.error(format!("indirection through explicit nil in {chain}"));
        }
        let receiver = self.argument(dot, Kind::Any, node)?;
        Ok(receiver.unwrapped())
    }

    fn variable(&mut self, name: &str) -> Result<Value, TemplateError> {
        match self.variables.iter().rev().find(|(present, _)| *present == name) {
            Some((_, value)) => Ok(value.clone()),
            None => self.error(format!("undefined variable: {name}")),
        }
    }

    /// A constant where any type will do: its spelling decides.
    fn ideal(&mut self, number: &Number) -> Result<Value, TemplateError> {
        match (number.reads_as_float, number.int, number.float) {
            (true, _, Some(float)) => Ok(Value::Float(float)),
            (_, Some(int), _) => Ok(Value::Int(int)),
            _ => self.error(format!("{} overflows int", number.text)),
        }
    }

    /// `.A.B.C`, the last one with the arguments.
    fn fields(
        &mut self,
        dot: &Value,
        receiver: Value,
        node: &'a Operand,
        names: &'a [String],
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Value, TemplateError> {
        let Some((final_name, before)) = names.split_last() else { return Ok(receiver) };
        let mut receiver = receiver;
        for name in before {
            receiver = self.field(dot, receiver, node, name, &[], None)?;
        }
        self.field(dot, receiver, node, final_name, args, last)
    }

    fn field(
        &mut self,
        dot: &Value,
        receiver: Value,
        node: &'a Operand,
        name: &'a str,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Result<Value, TemplateError> {
        self.spend(1)?;
        match &receiver {
            Value::Nil => return Ok(Value::Nil),
            Value::NilInterface => return self.error(format!("nil pointer evaluating interface {{}}.{name}")),
            _ => {}
        }
        if let Some(method) = receiver.method(name) {
            return self.invoke(dot, &method, name, Place::Operand(node), args, last);
        }
        let has_arguments = !args.is_empty() || last.is_some();
        match &receiver {
            Value::Record(record) => {
                if let Some(value) = record.get(name) {
                    if has_arguments {
                        return self.error(format!("{name} has arguments but cannot be invoked as function"));
                    }
                    return Ok(value.clone());
                }
            }
            Value::Map(map) => {
                if has_arguments {
                    return self.error(format!("{name} is not a method but has arguments"));
                }
                return Ok(map.entries.get(name).cloned().unwrap_or_else(|| map.absent.value()));
            }
            _ => {}
        }
        self.error(format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }

    /// An operand as an argument for a parameter of this kind.
    pub(super) fn argument(&mut self, dot: &Value, kind: Kind, operand: &'a Operand) -> Result<Value, TemplateError> {
        self.spend(1)?;
        self.place = Some(Place::Operand(operand));
        let value = match operand {
            Operand::Dot { .. } => dot.clone(),
            Operand::Nil { .. } if kind.can_be_nil() => return Ok(Value::Nil),
            Operand::Nil { .. } => return self.error(format!("cannot assign nil to {}", kind.name())),
            Operand::Field { names, .. } => self.fields(dot, dot.clone(), operand, names, &[], None)?,
            Operand::Variable { names, .. } => {
                let value = self.variable(&names[0])?;
                self.fields(dot, value, operand, &names[1..], &[], None)?
            }
            Operand::Pipe(pipe) => self.pipe(dot, pipe)?,
            Operand::Identifier { name, .. } => self.function(dot, name, Place::Operand(operand), &[], None)?,
            Operand::Chain { node, names, .. } => {
                let receiver = self.chain_receiver(dot, operand, node)?;
                self.fields(dot, receiver, operand, names, &[], None)?
            }
            constant => return self.constant(kind, constant),
        };
        self.fitting(value, kind)
    }

    fn constant(&mut self, kind: Kind, operand: &'a Operand) -> Result<Value, TemplateError> {
        let expected = match (kind, operand) {
            (Kind::Any, Operand::Number { number, .. }) => return self.ideal(number),
            (Kind::Any | Kind::Text, Operand::Text { text, .. }) => return Ok(Value::Text(text.clone())),
            (Kind::Any | Kind::Bool, Operand::Bool { value, .. }) => return Ok(Value::Bool(*value)),
            (Kind::Int, Operand::Number { number, .. }) => match number.int {
                Some(int) => return Ok(Value::Int(int)),
                None => "integer",
            },
            (Kind::Float, Operand::Number { number, .. }) => match number.float {
                Some(float) => return Ok(Value::Float(float)),
                None => "float",
            },
            (Kind::Named("time.Duration"), Operand::Number { number, .. }) => match number.int {
                Some(int) => return Ok(Value::Duration(int)),
                None => "integer",
            },
            (Kind::Text, _) => "string",
            (Kind::Bool, _) => "bool",
            (Kind::Int, _) | (Kind::Named("time.Duration"), _) => "integer",
            (Kind::Float, _) => "float",
            _ => return self.error(format!("can't handle {operand} for arg of type {}", kind.name())),
        };
        self.error(format!("expected {expected}; found {operand}"))
    }

    /// The value, if the parameter takes it.
    pub(super) fn fitting(&mut self, value: Value, kind: Kind) -> Result<Value, TemplateError> {
        match value {
            Value::Nil if kind.can_be_nil() => Ok(Value::Nil),
            Value::Nil => self.error(format!("invalid value; expected {}", kind.name())),
            value if kind.accepts(&value) => Ok(value),
            value => self.error(format!("wrong type for value; expected {}; got {}", kind.name(), value.type_name())),
        }
    }
}
