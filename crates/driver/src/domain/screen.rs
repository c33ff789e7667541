//! What a guest shows: the picture of its VNC server, as a PNG.
//!
//! A whole picture is asked for once, as it is: nothing is compressed, for the server is on
//! this machine.

use super::rfb::{self, greet, other};
use crate::store::blocking;
use crate::{Domain, DomainKey, Driver, Error, Operation, Result};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a server may take for a picture.
const SHOWING: Duration = Duration::from_secs(15);

/// Most pixels of a picture.
const PIXELS_MAX: usize = 1 << 24;

/// Bytes of a pixel as it comes, and of one in the picture.
const RAW: usize = 4;
const RGB: usize = 3;

/// Server messages.
const UPDATE: u8 = 0;
const COLOURS: u8 = 1;
const BELL: u8 = 2;
const CUT_TEXT: u8 = 3;

/// Encodings of rectangles: as they are, and none, for the screen has another size.
const AS_IT_IS: i32 = 0;
const NEW_SIZE: i32 = -223;

/// 32 bits a pixel, the lowest byte first: blue, green, red, nothing.
const SET_PIXELS: [u8; 20] = [
    0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0,
];

impl Driver {
    /// What a guest's screen shows, as a PNG.
    ///
    /// # Errors
    /// The domain is not running; it has no VNC server on this machine, or one that wants a
    /// password; there is no such screen.
    pub async fn screenshot(&self, key: &DomainKey, screen: u32) -> Result<Vec<u8>> {
        let operation = Operation::Screenshot;
        let domain = self.readable(operation, key).await?;
        crate::call::allowed_now(operation, &domain)?;
        if screen != 0 {
            return Err(Error::Argument(format!(
                "there is no screen {screen}: a guest has the first one, 0"
            )));
        }
        let host = &*self.inner.host;
        let server = rfb::server(host, &domain.name);
        let server = self.read(operation, &domain.name, server).await?;
        let server = server.ok_or_else(|| no_screen(&domain))?;
        let showing = async {
            let mut stream = rfb::connect(&server).await?;
            shown(&mut stream).await
        };
        let picture = match tokio::time::timeout(SHOWING, showing).await {
            Ok(picture) => picture,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        let picture = picture.map_err(|error| unsupported(rfb::failed(&server, &error)))?;
        blocking(operation.verb(), move || picture.png()).await
    }
}

/// The pixels of a screen, from the top left corner on, red, green and blue.
#[derive(Debug, Default, PartialEq, Eq)]
struct Picture {
    width: u16,
    height: u16,
    pixels: Vec<u8>,
}

impl Picture {
    fn new((width, height): (u16, u16)) -> io::Result<Self> {
        let count = usize::from(width) * usize::from(height);
        if count == 0 || count > PIXELS_MAX {
            return Err(other(&format!(
                "it shows {width} x {height} pixels, {PIXELS_MAX} at most are taken"
            )));
        }
        Ok(Self {
            width,
            height,
            pixels: vec![0; count * RGB],
        })
    }

    /// Puts a row of pixels where it belongs.
    fn put(&mut self, x: u16, y: u16, row: &[u8]) -> io::Result<()> {
        let start = usize::from(y) * usize::from(self.width) + usize::from(x);
        let place = start * RGB..(start + row.len() / RAW) * RGB;
        let place = self.pixels.get_mut(place).ok_or_else(outside)?;
        for (to, from) in place.chunks_exact_mut(RGB).zip(row.chunks_exact(RAW)) {
            if let ([red, green, blue], [b, g, r, _]) = (to, from) {
                (*red, *green, *blue) = (*r, *g, *b);
            }
        }
        Ok(())
    }

    fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let (width, height) = (u32::from(self.width), u32::from(self.height));
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&self.pixels)?;
            writer.finish()
        });
        written.map_err(|error| unsupported(format!("the picture: {error}")))?;
        Ok(bytes)
    }
}

/// The whole of what a server shows.
async fn shown(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Picture> {
    let size = greet(stream).await?;
    let mut hello = SET_PIXELS.to_vec();
    hello.extend([2, 0, 0, 2]);
    hello.extend(AS_IT_IS.to_be_bytes());
    hello.extend(NEW_SIZE.to_be_bytes());
    stream.write_all(&hello).await?;
    let mut picture = Picture::new(size)?;
    ask(stream, &picture).await?;
    let mut seen = 0;
    loop {
        match stream.read_u8().await? {
            UPDATE => {
                let _ = stream.read_u8().await?;
                for _ in 0..stream.read_u16().await? {
                    rectangle(stream, &mut picture, &mut seen).await?;
                }
                if seen >= picture.pixels.len() / RGB {
                    return Ok(picture);
                }
            }
            COLOURS => {
                let _ = stream.read_u8().await?;
                let _ = stream.read_u16().await?;
                let count = u64::from(stream.read_u16().await?);
                skip(stream, count * 6).await?;
            }
            BELL => {}
            CUT_TEXT => {
                skip(stream, 3).await?;
                let length = stream.read_u32().await?;
                skip(stream, u64::from(length)).await?;
            }
            _ => return Err(other("it says what no VNC server says")),
        }
    }
}

/// Asks for all of the screen.
async fn ask(stream: &mut (impl AsyncWrite + Unpin), picture: &Picture) -> io::Result<()> {
    let [a, b] = picture.width.to_be_bytes();
    let [c, d] = picture.height.to_be_bytes();
    stream.write_all(&[3, 0, 0, 0, 0, 0, a, b, c, d]).await
}

/// Takes a rectangle, and counts its pixels. After another size it begins anew.
async fn rectangle(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    picture: &mut Picture,
    seen: &mut usize,
) -> io::Result<()> {
    let (x, y) = (stream.read_u16().await?, stream.read_u16().await?);
    let (width, height) = (stream.read_u16().await?, stream.read_u16().await?);
    match stream.read_i32().await? {
        NEW_SIZE => {
            *picture = Picture::new((width, height))?;
            *seen = 0;
            return ask(stream, picture).await;
        }
        AS_IT_IS => {}
        _ => return Err(other("it sends what was not asked for")),
    }
    if x.checked_add(width).is_none_or(|end| end > picture.width) {
        return Err(outside());
    }
    let mut row = vec![0; usize::from(width) * RAW];
    for line in 0..height {
        stream.read_exact(&mut row).await?;
        let y = y.checked_add(line).ok_or_else(outside)?;
        picture.put(x, y, &row)?;
    }
    *seen = seen.saturating_add(usize::from(width) * usize::from(height));
    Ok(())
}

async fn skip(stream: &mut (impl AsyncRead + Unpin), count: u64) -> io::Result<()> {
    let skipped = tokio::io::copy(&mut stream.take(count), &mut tokio::io::sink()).await?;
    match skipped == count {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn outside() -> io::Error {
    other("it sends pixels outside of its screen")
}

fn no_screen(domain: &Domain) -> Error {
    unsupported(format!(
        "domain '{}' has no screen that can be seen from here: that takes a VNC server on this \
         machine (<graphics type='vnc'/>)",
        domain.name
    ))
}

fn unsupported(reason: String) -> Error {
    Error::Unsupported {
        operation: Operation::Screenshot.verb(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of what a server says.
    async fn made_of(said: &[u8]) -> io::Result<Picture> {
        let (mut ours, mut theirs) = tokio::io::duplex(4096);
        theirs.write_all(said).await.unwrap();
        theirs.shutdown().await.unwrap();
        shown(&mut ours).await
    }

    fn screen(width: u16, height: u16) -> Vec<u8> {
        let mut said = b"RFB 003.008\n\x01\x01\0\0\0\0".to_vec();
        said.extend(width.to_be_bytes());
        said.extend(height.to_be_bytes());
        said.extend([0; 16]);
        said.extend(b"\0\0\0\x02hi");
        said
    }

    fn update(rectangles: &[([u16; 4], i32, &[u8])]) -> Vec<u8> {
        let mut said = vec![0, 0];
        said.extend(u16::try_from(rectangles.len()).unwrap().to_be_bytes());
        for (place, encoding, pixels) in rectangles {
            said.extend(place.iter().flat_map(|it| it.to_be_bytes()));
            said.extend(encoding.to_be_bytes());
            said.extend(*pixels);
        }
        said
    }

    #[tokio::test]
    async fn a_picture_is_put_together_from_rectangles() {
        let left = update(&[([0, 0, 1, 2], 0, &[3, 2, 1, 0, 6, 5, 4, 0])]);
        let right = update(&[([1, 0, 1, 2], 0, &[9, 8, 7, 0, 12, 11, 10, 0])]);
        let between = b"\x02\x03\0\0\0\0\0\0\x02hi\x01\0\0\0\0\x01123456";
        let said = [&*screen(2, 2), &left, between, &right].concat();
        let picture = made_of(&said).await.unwrap();
        assert_eq!(picture.pixels, [1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12]);
        let png = picture.png().unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; 12];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, pixels), (2, 2, picture.pixels));
    }

    #[tokio::test]
    async fn another_size_begins_anew() {
        let pixel = [3, 2, 1, 0];
        let grown = update(&[([0, 0, 2, 1], -223, &[])]);
        let all = update(&[([0, 0, 2, 1], 0, &[pixel, pixel].concat())]);
        let said = [&*screen(1, 1), &grown, &all].concat();
        let picture = made_of(&said).await.unwrap();
        assert_eq!((picture.width, picture.height), (2, 1));
        assert_eq!(picture.pixels, [1, 2, 3, 1, 2, 3]);
    }

    #[tokio::test]
    async fn what_is_no_picture_is_refused() {
        for (said, why) in [
            (b"RFB 003.008\n\x01\x02".to_vec(), "it wants a password"),
            (screen(0, 9), "0 x 9 pixels"),
            (screen(u16::MAX, u16::MAX), "65535 x 65535 pixels"),
            (
                [screen(1, 1), update(&[([1, 0, 1, 1], 0, &[0; 4])])].concat(),
                "outside of its screen",
            ),
            (
                [screen(1, 1), update(&[([0, 1, 1, 1], 0, &[0; 4])])].concat(),
                "outside of its screen",
            ),
            (
                [screen(1, 1), update(&[([0, 0, 1, 1], 7, &[0; 4])])].concat(),
                "not asked for",
            ),
            ([screen(1, 1), vec![9]].concat(), "no VNC server says"),
            (
                [screen(1, 1), vec![3, 0, 0, 0, 255, 0, 0, 0]].concat(),
                "end of file",
            ),
        ] {
            let error = made_of(&said).await.unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
        }
    }
}
