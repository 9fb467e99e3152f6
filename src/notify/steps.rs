//! The steps of a send, for `promlet notify test`: each is told as it happens.

use tokio::sync::mpsc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Done,
    Failed,
    /// Between integrations: a heading.
    Heading,
    /// What comes of a failure.
    Outlook,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub state: StepState,
    pub text: String,
}

/// Where the steps go; ordinary sends tell nobody.
#[derive(Clone, Default)]
pub struct Steps(Option<mpsc::Sender<Step>>);

impl Steps {
    pub fn silent() -> Self {
        Self(None)
    }

    pub fn to(sender: mpsc::Sender<Step>) -> Self {
        Self(Some(sender))
    }

    pub fn is_silent(&self) -> bool {
        self.0.is_none()
    }

    pub fn done(&self, text: impl Into<String>) {
        self.tell(StepState::Done, text);
    }

    pub fn failed(&self, text: impl Into<String>) {
        self.tell(StepState::Failed, text);
    }

    pub fn outlook(&self, text: impl Into<String>) {
        self.tell(StepState::Outlook, text);
    }

    pub fn heading(&self, text: impl Into<String>) {
        self.tell(StepState::Heading, text);
    }

    /// A reader that does not keep up loses steps, not the send.
    fn tell(&self, state: StepState, text: impl Into<String>) {
        if let Some(sender) = &self.0 {
            drop(sender.try_send(Step { state, text: text.into() }));
        }
    }
}
