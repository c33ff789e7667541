//! What becomes of a packet from the client: an answer, a request, or nothing.
//!
//! Calls about the connection itself are done here, all others are for the user of
//! the session.

use super::reply::{ServerCall, Ticket};
use super::{Opened, ServerRequest, ServerSession};
use crate::calls::{self, OpenArguments};
use crate::packet::{Kind, Packet, Program, Status};
use crate::procedure::{Access, Group, Procedure};
use crate::xdr::{Wire, from_bytes};
use crate::{Call, RemoteError, Result, code, origin};
use std::time::Instant;

/// Features of the connection (`virDrvFeature`).
mod feature {
    pub(super) const FD_PASSING: i32 = 8;
    pub(super) const KEEPALIVE: i32 = 10;
    pub(super) const EVENT_CALLBACK: i32 = 14;
    pub(super) const CLOSE_CALLBACK: i32 = 15;
}

/// The numbers of the calls that are done here.
mod number {
    use super::{Call, calls};

    macro_rules! numbers {
        ($($name:ident $call:ident),* $(,)?) => {
            $(pub(super) const $name: i32 = calls::$call::PROCEDURE.number;)*
        };
    }

    numbers! {
        OPEN ConnectOpen,
        CLOSE ConnectClose,
        FEATURE ConnectSupportsFeature,
        AUTH_LIST AuthList,
        IS_SECURE ConnectIsSecure,
        REGISTER ConnectDomainEventCallbackRegisterAny,
        DEREGISTER ConnectDomainEventCallbackDeregisterAny,
        REGISTER_LIFECYCLE ConnectDomainEventRegister,
        DEREGISTER_LIFECYCLE ConnectDomainEventDeregister,
        REGISTER_OLD ConnectDomainEventRegisterAny,
        DEREGISTER_OLD ConnectDomainEventDeregisterAny,
        REGISTER_CLOSE ConnectRegisterCloseCallback,
        DEREGISTER_CLOSE ConnectUnregisterCloseCallback,
    }
}

/// What a call came to that was done here.
type Answer = std::result::Result<Vec<u8>, RemoteError>;

impl ServerSession {
    pub(super) fn dispatch(
        &mut self,
        packet: Packet,
        now: Instant,
    ) -> Result<Option<ServerRequest>> {
        match packet.header.kind {
            Kind::Call | Kind::CallWithDescriptors => self.call(packet, now),
            Kind::Stream | Kind::StreamHole => self.stream_packet(packet),
            Kind::Reply | Kind::ReplyWithDescriptors | Kind::Message => Ok(None),
        }
    }

    fn call(&mut self, packet: Packet, now: Instant) -> Result<Option<ServerRequest>> {
        let ticket = Ticket::new(&packet.header);
        let procedure = match self.admit(&packet) {
            Ok(procedure) => procedure,
            Err(error) => return self.answer(ticket, &Err(error)),
        };
        if let Some(answer) = self.own_call(procedure, &packet.payload, now) {
            let closes = procedure.number == number::CLOSE && answer.is_ok();
            let request = self.answer(ticket, &answer);
            if closes {
                self.opened = Opened::Closed;
            }
            return request;
        }
        if procedure.number == number::OPEN
            && let Err(error) = self.begin_open(&packet.payload)
        {
            return self.answer(ticket, &Err(error));
        }
        self.running = self.running.saturating_add(1);
        Ok(Some(ServerRequest::Call(ServerCall {
            ticket,
            procedure,
            payload: packet.payload,
            read_only: self.read_only,
        })))
    }

    /// Answers a call that has not become a request.
    fn answer(&mut self, ticket: Ticket, answer: &Answer) -> Result<Option<ServerRequest>> {
        self.running = self.running.saturating_add(1);
        self.reply_bytes(ticket, answer.as_deref())?;
        Ok(None)
    }

    /// Whether the client may make the call now, as far as that is the same for all
    /// arguments.
    fn admit(&self, packet: &Packet) -> std::result::Result<&'static Procedure, RemoteError> {
        let header = &packet.header;
        if let Some(refusal) = self.settings.refusal {
            let error = RemoteError::new(code::OPERATION_UNSUPPORTED, origin::RPC, refusal);
            return Err(error);
        }
        if header.program != Program::REMOTE {
            let Program { number, version } = header.program;
            return Err(RemoteError::unknown_program(number, version));
        }
        if header.status != Status::Ok {
            return Err(RemoteError::protocol("a call has a status"));
        }
        let procedure = calls::procedure(header.procedure)
            .filter(|procedure| procedure.group != Group::Event)
            .ok_or_else(|| RemoteError::unknown_procedure(header.procedure))?;
        if !self.authenticated && procedure.group != Group::Auth {
            return Err(RemoteError::protocol("authentication required"));
        }
        self.check_opened(procedure)?;
        if procedure.types.is_none() && procedure.group.scheme().is_none() {
            return Err(procedure.no_support());
        }
        if self.read_only && procedure.access == Access::Writes {
            return Err(RemoteError::read_only(
                procedure.name,
                procedure.group.origin(),
            ));
        }
        Ok(procedure)
    }

    fn check_opened(&self, procedure: &Procedure) -> std::result::Result<(), RemoteError> {
        let early = [number::OPEN, number::CLOSE, number::FEATURE];
        if self.opened == Opened::Yes
            || procedure.group == Group::Auth
            || early.contains(&procedure.number)
        {
            return Ok(());
        }
        Err(not_open())
    }

    /// Notes what the client wants to open, until the reply says that it is.
    fn begin_open(&mut self, payload: &[u8]) -> std::result::Result<(), RemoteError> {
        if self.opened != Opened::No {
            return Err(internal("connection already open"));
        }
        let arguments: OpenArguments = from_bytes(payload)?;
        self.read_only |= arguments.flags & 1 != 0;
        self.opened = Opened::Opening;
        Ok(())
    }

    /// Does a call about the connection itself.
    fn own_call(&mut self, procedure: &Procedure, payload: &[u8], now: Instant) -> Option<Answer> {
        Some(match procedure.number {
            number::AUTH_LIST => self.auth_list(),
            number::FEATURE => from_bytes(payload)
                .map_err(Into::into)
                .and_then(|feature| self.supports(feature, now))
                .and_then(|supported| bytes(&supported)),
            number::IS_SECURE => bytes(&i32::from(self.settings.secure)),
            number::CLOSE => Ok(Vec::new()),
            number::REGISTER => with(payload, |arguments: calls::DomainEventArguments| {
                let filter = arguments.domain.map(|domain| domain.uuid);
                let id = self.callbacks.register(arguments.event_id, filter)?;
                bytes(&id)
            }),
            number::DEREGISTER => with(payload, |id| {
                self.callbacks.deregister(id).and(Ok(Vec::new()))
            }),
            number::REGISTER_LIFECYCLE => {
                let registered = self.callbacks.register_old(0);
                registered.and_then(|()| bytes(&1i32))
            }
            number::DEREGISTER_LIFECYCLE => {
                let left = self.callbacks.deregister_old(0);
                left.and_then(|()| bytes(&0i32))
            }
            number::REGISTER_OLD => with(payload, |id| {
                self.callbacks.register_old(id).and(Ok(Vec::new()))
            }),
            number::DEREGISTER_OLD => with(payload, |id| {
                self.callbacks.deregister_old(id).and(Ok(Vec::new()))
            }),
            number::REGISTER_CLOSE => self.callbacks.wants_close(true),
            number::DEREGISTER_CLOSE => self.callbacks.wants_close(false),
            _ => return None,
        })
    }

    fn auth_list(&self) -> Answer {
        let auth = if self.authenticated {
            super::Auth::None
        } else {
            self.settings.auth
        };
        bytes(&crate::xdr::List::<i32, 20>(vec![auth as i32]))
    }

    fn supports(&mut self, feature: i32, now: Instant) -> std::result::Result<i32, RemoteError> {
        if feature == feature::KEEPALIVE {
            self.link.start_keepalive(now);
            return Ok(1);
        }
        if self.opened != Opened::Yes {
            return Err(not_open());
        }
        let own = [
            feature::FD_PASSING,
            feature::EVENT_CALLBACK,
            feature::CLOSE_CALLBACK,
        ];
        let known = own.contains(&feature) || self.settings.features.contains(&feature);
        Ok(i32::from(known))
    }
}

fn with<T: Wire>(payload: &[u8], act: impl FnOnce(T) -> Answer) -> Answer {
    act(from_bytes(payload)?)
}

fn bytes<T: Wire>(value: &T) -> Answer {
    Ok(crate::xdr::to_bytes(value)?)
}

fn not_open() -> RemoteError {
    internal("hypervisor connection not open")
}

pub(super) fn internal(message: &str) -> RemoteError {
    RemoteError::new(
        code::INTERNAL_ERROR,
        origin::RPC,
        format!("internal error: {message}"),
    )
}
