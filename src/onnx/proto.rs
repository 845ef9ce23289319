//! The messages of ONNX's files that are written here, as protobuf encodes them (onnx.proto3, IR version 8).
//!
//! A message is a row of fields: a key, which is the field's number and how its value is kept, and the value. Whole numbers are
//! kept in groups of seven bits, texts and messages behind their length.

/// A message on its way out.
#[derive(Clone, Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// The bytes of the whole.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A whole number.
    pub fn int(mut self, field: u64, number: i64) -> Self {
        self.varint(field << 3);
        self.varint(number as u64);
        self
    }

    /// Bytes.
    pub fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    /// A text.
    pub fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// A message within.
    pub fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    /// Some of them.
    pub fn messages<'a>(self, field: u64, messages: impl IntoIterator<Item = &'a Self>) -> Self {
        messages.into_iter().fold(self, |whole, message| whole.message(field, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of protobuf's own description.
    #[test]
    fn fields_are_kept_as_described() {
        assert_eq!(Message::default().int(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().text(2, "testing").into_bytes(), *b"\x12\x07testing");
        let inner = Message::default().int(1, 150);
        assert_eq!(Message::default().message(3, &inner).into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::default().int(1, -1).into_bytes().len(), 11);
    }
}
