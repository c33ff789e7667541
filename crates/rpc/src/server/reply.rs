//! Calls on their way to those who do them, and the replies on their way back.
//!
//! A ticket can be used once, so that a call has one reply.

use super::{Opened, ServerSession, StreamId, StreamOptions};
use crate::calls::ConnectOpen;
use crate::packet::{Header, Kind, Program, Status};
use crate::procedure::Procedure;
use crate::xdr::{Wire, from_bytes};
use crate::{Call, RemoteError, Result};

/// A call of the client.
#[derive(Debug)]
#[must_use = "a call has to be answered"]
pub struct ServerCall {
    pub(super) ticket: Ticket,
    pub(super) procedure: &'static Procedure,
    pub(super) payload: Vec<u8>,
    pub(super) read_only: bool,
}

impl ServerCall {
    /// Its row in the table. Rows without types come only from groups that another
    /// daemon serves.
    #[must_use]
    pub const fn procedure(&self) -> &'static Procedure {
        self.procedure
    }

    /// The number by which the client knows it.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.ticket.serial()
    }

    /// Its arguments as they came, for those who pass them on.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Its arguments.
    ///
    /// # Errors
    /// What to reply when they are wrong, or a read-only connection may not do this
    /// with them.
    pub fn arguments<C: Call>(&self) -> std::result::Result<C::Arguments, RemoteError> {
        debug_assert_eq!(C::PROCEDURE.number, self.procedure.number);
        let arguments = from_bytes(&self.payload)?;
        if self.read_only {
            self.procedure.check_read_only(&arguments)?;
        }
        Ok(arguments)
    }

    /// The right to answer it.
    pub fn into_ticket(self) -> Ticket {
        self.ticket
    }
}

/// The right to answer a call, once.
#[derive(Debug)]
#[must_use = "a call has to be answered"]
pub struct Ticket {
    program: Program,
    procedure: i32,
    serial: u32,
}

impl Ticket {
    pub(super) const fn new(header: &Header) -> Self {
        Self {
            program: header.program,
            procedure: header.procedure,
            serial: header.serial,
        }
    }

    /// The header of the reply, which uses the ticket up.
    const fn into_header(self) -> Header {
        Header {
            program: self.program,
            procedure: self.procedure,
            kind: Kind::Reply,
            serial: self.serial,
            status: Status::Ok,
        }
    }

    pub(super) const fn procedure(&self) -> i32 {
        self.procedure
    }

    /// The number that joins the call and its reply. Numbers are the client's: it
    /// may use one twice.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.serial
    }
}

impl ServerSession {
    /// Answers a call. A reply that does not fit the protocol becomes an error.
    ///
    /// # Errors
    /// When not even the error can be written: close the connection.
    pub fn reply<C: Call>(
        &mut self,
        ticket: Ticket,
        result: std::result::Result<C::Reply, RemoteError>,
    ) -> Result<()> {
        debug_assert_eq!(C::PROCEDURE.number, ticket.procedure);
        match result {
            Ok(reply) => {
                self.reply_with(ticket, Ok(|output: &mut Vec<u8>| reply.write(output)))?;
            }
            Err(error) => self.reply_bytes(ticket, Err(&error))?,
        }
        Ok(())
    }

    /// Answers a call with bytes that are a reply of its procedure.
    ///
    /// # Errors
    /// When not even an error can be written: close the connection.
    pub fn reply_bytes(
        &mut self,
        ticket: Ticket,
        result: std::result::Result<&[u8], &RemoteError>,
    ) -> Result<()> {
        let fill = result.map(|bytes| {
            |output: &mut Vec<u8>| {
                output.extend_from_slice(bytes);
                Ok(())
            }
        });
        self.reply_with(ticket, fill)?;
        Ok(())
    }

    /// Answers a call that starts a stream, and starts it.
    ///
    /// # Errors
    /// When not even an error can be written: close the connection.
    pub fn reply_with_stream<C: Call>(
        &mut self,
        ticket: Ticket,
        reply: &C::Reply,
        options: StreamOptions,
    ) -> Result<StreamId> {
        self.start_with(ticket, options, |output| reply.write(output))
    }

    /// The same with bytes that are a reply of its procedure.
    ///
    /// # Errors
    /// When not even an error can be written: close the connection.
    pub fn reply_bytes_with_stream(
        &mut self,
        ticket: Ticket,
        reply: &[u8],
        options: StreamOptions,
    ) -> Result<StreamId> {
        self.start_with(ticket, options, |output| {
            output.extend_from_slice(reply);
            Ok(())
        })
    }

    fn start_with(
        &mut self,
        ticket: Ticket,
        options: StreamOptions,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<StreamId> {
        let id = self.start_stream(&ticket, options);
        if !self.reply_with(ticket, Ok(fill))? {
            self.end_stream(id);
        }
        Ok(id)
    }

    /// Whether it was the result that was sent, and no error.
    fn reply_with(
        &mut self,
        ticket: Ticket,
        result: std::result::Result<impl FnOnce(&mut Vec<u8>) -> Result<()>, &RemoteError>,
    ) -> Result<bool> {
        let header = ticket.into_header();
        let opens = header.procedure == ConnectOpen::PROCEDURE.number;
        let written = match result {
            Ok(fill) => {
                let written = self.link.queue(&header, fill);
                written.map_err(RemoteError::from)
            }
            Err(error) => Err(error.clone()),
        };
        if opens && self.opened == Opened::Opening {
            self.opened = if written.is_ok() {
                Opened::Yes
            } else {
                Opened::No
            };
            self.read_only = match written {
                Ok(()) => self.read_only,
                Err(_) => self.settings.read_only,
            };
        }
        let succeeded = written.is_ok();
        if let Err(error) = written {
            let header = Header {
                status: Status::Error,
                ..header
            };
            self.link.queue(&header, |output| error.write(output))?;
        }
        self.running = self.running.saturating_sub(1);
        self.unsent.push_back(self.link.mark());
        Ok(succeeded)
    }
}
