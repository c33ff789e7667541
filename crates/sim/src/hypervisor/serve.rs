//! Hypercalls from another process, over a UNIX socket: Xen's own tools can look at
//! a simulated host when a library of theirs sends here what it would send to Xen.
//!
//! All is in the machine's byte order. A request is three words of 32 bits (number
//! of the hypercall, count of arguments, count of buffers), the arguments as 64
//! bits each, then for each buffer its address and length as 64 bits each and its
//! bytes. The reply is the result as 64 bits, an error negative, and the bytes of
//! each buffer again. What a hypercall does is in `operations`.

use super::SimHypervisor;
use crate::state::SimHost;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use virtxen_hypercall::{Arch, Argument, Gate, Pointer, Request};

/// Most arguments of a hypercall.
const ARGUMENTS_MAX: u32 = 6;

/// Most buffers of a request, and bytes in all of them.
const BUFFERS_MAX: u32 = 1024;
const BYTES_MAX: u64 = 64 << 20;

impl SimHost {
    /// Serves hypercalls on a UNIX socket until dropped, in this machine's layout;
    /// then removes the socket. A socket that nobody serves any more is replaced.
    ///
    /// # Errors
    /// When the socket cannot be made, or this release of Xen never ran on this
    /// machine's architecture.
    pub async fn serve_hypercalls(&self, path: &Path) -> io::Result<Infallible> {
        let hypervisor = Arch::native().and_then(|arch| self.hypervisor(arch));
        let hypervisor = Arc::new(hypervisor.ok_or(io::ErrorKind::Unsupported)?);
        let socket = crate::socket::listen(path).await?;
        loop {
            let stream = socket.accept().await;
            let hypervisor = Arc::clone(&hypervisor);
            // What goes wrong with a connection is the client's to notice.
            tokio::spawn(async move { drop(connection(&hypervisor, stream).await) });
        }
    }
}

/// One hypercall of another process.
struct Call {
    number: u32,
    arguments: Vec<u64>,
    addresses: Vec<u64>,
    buffers: Vec<Vec<u8>>,
}

async fn connection(
    hypervisor: &SimHypervisor,
    stream: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(mut call) = read_call(&mut stream).await? {
        let mut reply = call.serve(hypervisor).to_ne_bytes().to_vec();
        reply.extend(call.buffers.concat());
        stream.write_all(&reply).await?;
    }
    Ok(())
}

/// The next request; `None` at the end.
async fn read_call(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Call>> {
    let number = match read_word(stream).await {
        Ok(number) => number,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let (arguments, buffers) = (read_word(stream).await?, read_word(stream).await?);
    if arguments > ARGUMENTS_MAX || buffers > BUFFERS_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut call = Call {
        number,
        arguments: Vec::new(),
        addresses: Vec::new(),
        buffers: Vec::new(),
    };
    for _ in 0..arguments {
        call.arguments.push(read_long(stream).await?);
    }
    let mut room = BYTES_MAX;
    for _ in 0..buffers {
        call.addresses.push(read_long(stream).await?);
        let length = read_long(stream).await?;
        room = room.checked_sub(length).ok_or(io::ErrorKind::InvalidData)?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        stream.read_exact(&mut bytes).await?;
        call.buffers.push(bytes);
    }
    Ok(Some(call))
}

async fn read_word(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes).await?;
    Ok(u32::from_ne_bytes(bytes))
}

async fn read_long(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<u64> {
    let mut bytes = [0; 8];
    stream.read_exact(&mut bytes).await?;
    Ok(u64::from_ne_bytes(bytes))
}

impl Call {
    /// Makes the call; the result as Xen gives it.
    fn serve(&mut self, hypervisor: &SimHypervisor) -> i64 {
        let places: HashMap<u64, usize> = self.addresses.iter().copied().zip(0..).collect();
        let first = self.arguments.first().and_then(|it| places.get(it));
        // The hypervisor looks for the request itself in the first buffer.
        let order = Order(first.copied().unwrap_or(0));
        let arguments: Vec<Argument> = self
            .arguments
            .iter()
            .map(|value| match places.get(value) {
                Some(at) => Argument::Buffer(order.of(*at)),
                None => Argument::Value(*value),
            })
            .collect();
        let pointers = self.pointers(&arguments, &places, order);
        order.apply(&mut self.buffers);
        let result = hypervisor.call(&mut Request::foreign(
            self.number,
            &arguments,
            &mut self.buffers,
            &pointers,
        ));
        order.apply(&mut self.buffers);
        match result {
            Ok(value) => i64::try_from(value).unwrap_or(i64::MAX),
            Err(errno) => -i64::from(errno.0),
        }
    }

    /// The addresses of buffers that are in the buffers of arguments.
    fn pointers(
        &self,
        arguments: &[Argument],
        places: &HashMap<u64, usize>,
        order: Order,
    ) -> Vec<Pointer> {
        let mut pointers = Vec::new();
        for argument in arguments {
            let Argument::Buffer(from) = *argument else {
                continue;
            };
            let Some(bytes) = self.buffers.get(order.of(from)) else {
                continue;
            };
            for (index, word) in bytes.chunks_exact(8).enumerate() {
                let mut raw = [0; 8];
                raw.copy_from_slice(word);
                if let Some(to) = places.get(&u64::from_ne_bytes(raw)) {
                    pointers.push(Pointer {
                        from,
                        at: index * 8,
                        width: 8,
                        to: order.of(*to),
                    });
                }
            }
        }
        pointers
    }
}

/// The buffers with this one and the first exchanged.
#[derive(Clone, Copy)]
struct Order(usize);

impl Order {
    /// The place of a buffer in the other order, in either direction.
    fn of(self, at: usize) -> usize {
        match at {
            0 => self.0,
            at if at == self.0 => 0,
            at => at,
        }
    }

    fn apply(self, buffers: &mut [Vec<u8>]) {
        if self.0 < buffers.len() {
            buffers.swap(0, self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn long(bytes: &mut Vec<u8>, value: u64) {
        bytes.extend(value.to_ne_bytes());
    }

    fn request(number: u32, arguments: &[u64], buffers: &[(u64, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [number, arguments.len() as u32, buffers.len() as u32] {
            bytes.extend(word.to_ne_bytes());
        }
        arguments.iter().for_each(|it| long(&mut bytes, *it));
        for (address, content) in buffers {
            long(&mut bytes, *address);
            long(&mut bytes, content.len() as u64);
            bytes.extend(content);
        }
        bytes
    }

    async fn ask(bytes: Vec<u8>) -> (i64, Vec<u8>) {
        let options = Options::from_uri("sim:?release=4.17&guests=2").unwrap();
        let hypervisor = SimHost::new(options).hypervisor(Arch::X86_64).unwrap();
        let (mut near, far) = tokio::io::duplex(1 << 20);
        near.write_all(&bytes).await.unwrap();
        near.shutdown().await.unwrap();
        drop(connection(&hypervisor, far).await);
        let mut reply = Vec::new();
        near.read_to_end(&mut reply).await.unwrap();
        if reply.is_empty() {
            return (0, reply);
        }
        let rest = reply.split_off(8);
        (i64::from_ne_bytes(reply.try_into().unwrap()), rest)
    }

    #[tokio::test]
    async fn buffers_are_found_by_their_addresses() {
        let (version, _) = ask(request(17, &[0, 0], &[])).await;
        assert_eq!(version, 4 << 16 | 17);
        let mut sysctl = vec![0; 4096];
        sysctl[0..4].copy_from_slice(&6_u32.to_ne_bytes());
        sysctl[4..8].copy_from_slice(&0x15_u32.to_ne_bytes());
        sysctl[12..16].copy_from_slice(&10_u32.to_ne_bytes());
        sysctl[16..24].copy_from_slice(&0x7000_u64.to_ne_bytes());
        let elements = (0x7000, vec![0; 8192]);
        let other = (0x1000, vec![7; 4096]);
        let bytes = request(35, &[0x9000], &[other, elements, (0x9000, sysctl)]);
        let (result, buffers) = ask(bytes).await;
        assert_eq!(result, 0);
        assert!(buffers[..4096].iter().all(|byte| *byte == 7));
        assert!(buffers[4096..][..4096].iter().any(|byte| *byte != 0));
        let listed = &buffers[4096 + 8192 + 24..][..4];
        assert_eq!(listed, 3_u32.to_ne_bytes());
    }

    #[tokio::test]
    async fn what_is_no_request_ends_the_connection() {
        for bytes in [
            request(17, &[0; 7], &[]),
            request(17, &[0], &[(1, Vec::new())])[..20].to_vec(),
            [request(1, &[], &[]), vec![1, 2]].concat()[..14].to_vec(),
        ] {
            let (_, rest) = ask(bytes).await;
            assert!(rest.is_empty());
        }
        let mut huge = request(17, &[], &[]);
        huge[8..12].copy_from_slice(&1_u32.to_ne_bytes());
        long(&mut huge, 0);
        long(&mut huge, u64::MAX);
        assert_eq!(ask(huge).await, (0, Vec::new()));
    }
}
