//! Numbers that look random and are functions of their inputs: the same on every machine, in any order.

/// Output `counter` of SplitMix64 (Steele, Lea and Flood 2014) from `seed`.
pub(crate) fn split_mix(seed: u64, counter: u64) -> u64 {
    let mut z = seed.wrapping_add(counter.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a (Fowler, Noll and Vo) of some bytes.
pub(crate) fn fnv(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let add = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, add)
}

/// A number that two files hardly share: their length, then their words of eight bytes, each mixed with what those
/// before it have made. It tells files apart that were mixed up; it is no proof against forgers.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
    words.fold(split_mix(bytes.len() as u64, 1), |hash, word| split_mix(hash ^ word, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_and_the_length_count() {
        let file: Vec<u8> = (0..45).map(|at| (at * 37) as u8).collect();
        let mut digests = vec![digest(&file), digest(&file[..44]), digest(&[&file[..], &[0]].concat()), digest(&[])];
        for bit in 0..8 * file.len() {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            digests.push(digest(&flipped));
        }
        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
    }
}
