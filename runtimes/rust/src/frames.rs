use std::io::{self, Read};

/// The types of frames: up to `PING` the core sends them.
pub(crate) const CALL: u8 = 1;
pub(crate) const BODY: u8 = 2;
pub(crate) const CANCEL: u8 = 3;
pub(crate) const CREDIT: u8 = 4;
pub(crate) const PING: u8 = 5;
pub(crate) const RESULT: u8 = 17;
pub(crate) const DATA: u8 = 18;
pub(crate) const END: u8 = 19;
pub(crate) const FAILED: u8 = 20;
pub(crate) const PONG: u8 = 21;

/// The longest payload, and that of one frame of a long reply.
pub(crate) const FRAME_MAX_BYTES: usize = 1 << 20;
pub(crate) const PIECE_BYTES: usize = 65536;
pub(crate) const HEAD_BYTES: usize = 9;
/// So much of a reply may be sent before there is credit.
pub(crate) const WINDOW_BYTES: usize = 262_144;
/// Where the message of FAILED is cut.
pub(crate) const MESSAGE_MAX_BYTES: usize = 65536;
/// The length of a body that is made piece by piece.
pub(crate) const UNKNOWN_BYTES: usize = 0xffff_ffff;
/// The form, and the lengths of JSON and body: where the payload of a CALL and a RESULT begins.
pub(crate) const RUN_HEAD_BYTES: usize = 9;

/// `length (u32) · type (u8) · call (u32)`; the payload follows.
pub(crate) struct Head {
    pub length: usize,
    pub kind: u8,
    pub call: u32,
}

impl Head {
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let text: [u8; HEAD_BYTES] = read_array(from)?;
        let head = Head {
            length: number(&text[..4]) as usize,
            kind: text[4],
            call: number(&text[5..]),
        };
        if head.length > FRAME_MAX_BYTES {
            return Err(breach(format!("a frame of {} bytes came", head.length)));
        }
        Ok(head)
    }
}

/// `form (u8) · bytes of JSON (u32) · bytes of body (u32)`.
pub(crate) struct RunHead {
    pub form: u8,
    pub json: usize,
    pub body: usize,
}

impl RunHead {
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let text: [u8; RUN_HEAD_BYTES] = read_array(from)?;
        Ok(RunHead {
            form: text[0],
            json: number(&text[1..5]) as usize,
            body: number(&text[5..]) as usize,
        })
    }

    pub fn append(&self, to: &mut Vec<u8>) {
        to.push(self.form);
        to.extend_from_slice(&(self.json as u32).to_be_bytes());
        to.extend_from_slice(&(self.body as u32).to_be_bytes());
    }
}

/// Writes the head of a frame whose payload follows.
pub(crate) fn append_head(to: &mut Vec<u8>, length: usize, kind: u8, call: u32) {
    to.extend_from_slice(&(length as u32).to_be_bytes());
    to.push(kind);
    to.extend_from_slice(&call.to_be_bytes());
}

pub(crate) fn read_number(from: &mut impl Read) -> io::Result<u32> {
    Ok(number(&read_array::<4>(from)?))
}

/// The core broke the form.
pub(crate) fn breach(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn read_array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut text = [0; N];
    from.read_exact(&mut text)?;
    Ok(text)
}

fn number(text: &[u8]) -> u32 {
    text.iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}
