//! Bytes on a UNIX socket with file descriptors beside them (SCM_RIGHTS). What the
//! bytes mean is in `frame`; when the socket is ready is the caller's to know.

use rustix::io::{Errno, IoSlice, IoSliceMut};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Most descriptors with one message.
pub(crate) const DESCRIPTORS_MAX: usize = 4;

/// Sends some of the bytes, and the descriptors with the first of them. How many
/// bytes went is returned.
pub(crate) fn send(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let bytes = [IoSlice::new(bytes)];
    loop {
        match rustix::net::sendmsg(&socket, &bytes, &mut beside, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            sent => return Ok(sent?),
        }
    }
}

/// Receives bytes, and descriptors if some came with them. No bytes is the end.
pub(crate) fn receive(
    socket: impl AsFd,
    bytes: &mut [u8],
    descriptors: &mut Vec<OwnedFd>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [IoSliceMut::new(bytes)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        match rustix::net::recvmsg(&socket, &mut bytes, &mut beside, flags) {
            Err(Errno::INTR) => {}
            received => break received?,
        }
    };
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(came) = message {
            descriptors.extend(came);
        }
    }
    Ok(received.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    #[test]
    fn descriptors_come_with_the_first_byte() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut inside, outside) = UnixStream::pair().unwrap();
        assert_eq!(send(&here, b"no", &[]).unwrap(), 2);
        assert_eq!(send(&here, b"yes", &[outside.as_fd()]).unwrap(), 3);
        drop(outside);
        let (mut bytes, mut came) = ([0; 16], Vec::new());
        // The kernel may join both; the descriptor is there when its first byte is.
        let mut count = 0;
        while count < 3 {
            count += receive(&there, &mut bytes[..1], &mut came).unwrap();
        }
        let mut stream = UnixStream::from(came.pop().unwrap());
        stream.write_all(b"through").unwrap();
        drop(stream);
        let mut text = String::new();
        inside.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        drop(here);
        assert_eq!(receive(&there, &mut bytes, &mut came).unwrap(), 2);
        assert_eq!(receive(&there, &mut bytes, &mut came).unwrap(), 0);
    }
}
