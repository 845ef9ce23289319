//! What PyTorch saves: a pickle with tensors in it, in a zip archive or, before 1.6, in a row of pickles; or safetensors.
//!
//! Of the zip archive, `data.pkl` is the pickle and `data/KEY` the numbers of a storage. The old form is the pickles of a
//! mark, a version, the machine, the value, and the keys of its storages, then of each storage its length and its numbers. A
//! tensor is a view of a storage: where it begins, its sizes, and how far apart its elements are along each axis.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;

use super::pickle::{Node, Pickle};
use super::zip;
use crate::memory::require;
use crate::model::{atomic, tensors};
use crate::{Array, Error, Result};

/// The number that an old file begins with.
const MARK: &[u8] = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// The longest pickle, in bytes: it holds names and vocabularies, not numbers.
const LONGEST_PICKLE: usize = 256 << 20;

/// The most axes of a tensor.
const MOST_AXES: usize = 8;

/// A file that holds a model.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    bytes: Vec<u8>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Pickled {
        pickle: Pickle,
        /// Where in the file the numbers of a storage are.
        storages: BTreeMap<String, Range<usize>>,
    },
    Safetensors,
}

impl Checkpoint {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is no such file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = atomic::regular(path)?.map_or(0, |metadata| metadata.len());
        require::<u8>(usize::try_from(bytes).unwrap_or(usize::MAX), || path.display().to_string())?;
        Self::from_bytes(fs::read(path).map_err(Error::io(path))?, path)
    }

    /// Reads the contents of a file; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] if it is no such file.
    pub fn from_bytes(bytes: Vec<u8>, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let form = if bytes.starts_with(b"PK\x03\x04") {
            zipped(&bytes)
        } else if bytes.get(8) == Some(&b'{') {
            tensors::open(&bytes, &path)?;
            Ok(Form::Safetensors)
        } else if bytes.get(257..262) == Some(b"ustar") {
            Err("a tar archive of PyTorch before 0.1.10, which is not read".to_owned())
        } else if bytes.starts_with(&[0x80]) {
            in_a_row(&bytes)
        } else {
            Err("expected a checkpoint of PyTorch or safetensors".to_owned())
        };
        let form = form.map_err(|reason| Error::format(&path, reason))?;
        Ok(Self { path, bytes, form })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An error about this file.
    pub fn error(&self, reason: impl ToString) -> Error {
        Error::format(&self.path, reason)
    }

    /// What was pickled; of safetensors nothing was.
    pub fn root(&self) -> Option<Node<'_>> {
        match &self.form {
            Form::Pickled { pickle, .. } => Some(pickle.root()),
            Form::Safetensors => None,
        }
    }

    /// The names of all tensors of safetensors.
    pub fn tensor_names(&self) -> Result<Vec<String>> {
        match self.form {
            Form::Pickled { .. } => Ok(Vec::new()),
            Form::Safetensors => {
                Ok(tensors::open(&self.bytes, &self.path)?.names().into_iter().map(str::to_owned).collect())
            }
        }
    }

    /// A tensor of safetensors.
    pub fn named(&self, name: &str) -> Result<Array> {
        let wrong = |found: String| tensor_error(name, "F32, F16, BF16 or F64", found);
        let file = tensors::open(&self.bytes, &self.path)?;
        let view = file.tensor(name).map_err(|error| self.error(error))?;
        let number = match view.dtype() {
            Dtype::F32 => Number::F32,
            Dtype::F16 => Number::F16,
            Dtype::BF16 => Number::Bf16,
            Dtype::F64 => Number::F64,
            other => return Err(wrong(other.to_string())),
        };
        let data = (0..view.data().len() / number.size()).map(|index| number.read(view.data(), index)).collect();
        Ok(Array { shape: view.shape().to_vec(), data })
    }

    /// The tensor that a value of the pickle is; `name` is named in errors.
    pub fn tensor(&self, name: &str, node: Node<'_>) -> Result<Array> {
        self.view(node)
            .and_then(|view| self.elements(&view))
            .map_err(|found| tensor_error(name, "a tensor of numbers", found))
    }

    fn view(&self, node: Node<'_>) -> Result<View, String> {
        let mut class = node.class().unwrap_or_default();
        let mut arguments = node.arguments().ok_or("another value")?;
        // Parameters, and tensors of other classes, are made of a tensor.
        for _ in 0..4 {
            match class.as_str() {
                "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                    let inner = arguments.item(0).ok_or("a parameter without a tensor")?;
                    class = inner.class().unwrap_or_default();
                    arguments = inner.arguments().ok_or("a parameter without a tensor")?;
                }
                "torch._tensor._rebuild_from_type_v2" => {
                    let inner = arguments.item(0).and_then(Node::class).zip(arguments.item(2));
                    (class, arguments) = inner.ok_or("a tensor of an unknown class")?;
                }
                _ => break,
            }
        }
        let typed = match class.as_str() {
            "torch._utils._rebuild_tensor" | "torch._utils._rebuild_tensor_v2" => None,
            "torch._utils._rebuild_tensor_v3" => arguments.item(6).and_then(Node::class),
            other => return Err(format!("{other:?}")),
        };
        let item = |place: usize| arguments.item(place).ok_or("a tensor with something missing");
        let storage = item(0)?.persistent().ok_or("a tensor without a storage")?;
        let part = |place: usize| storage.item(place).ok_or("a storage with something missing");
        let number = match typed {
            Some(name) => Number::of_type(&name)?,
            None => Number::of_storage(&part(1)?.class().unwrap_or_default())?,
        };
        let sizes = |node: Node<'_>| -> Result<Vec<usize>, String> {
            let items = node.items().ok_or("a tensor without sizes")?;
            if items.len() > MOST_AXES {
                return Err(format!("{} axes", items.len()));
            }
            items.map(|size| size.count().ok_or_else(|| "a size that is none".to_owned())).collect()
        };
        let (shape, strides) = (sizes(item(2)?)?, sizes(item(3)?)?);
        if shape.len() != strides.len() {
            return Err(format!("{} sizes and {} strides", shape.len(), strides.len()));
        }
        let mut first = item(1)?.count().ok_or("a place that is none")?;
        // In the old form a storage may be a part of another.
        if let Some(place) = storage.item(5).and_then(|view| view.item(1)).and_then(Node::count) {
            first = first.checked_add(place).ok_or("a place beyond its storage")?;
        }
        let key = part(2)?;
        let key = key.text().map(str::to_owned).or_else(|| key.int().map(|key| key.to_string()));
        Ok(View { key: key.ok_or("a storage without a key")?, number, first, shape, strides })
    }

    fn elements(&self, view: &View) -> Result<Array, String> {
        let Form::Pickled { storages, .. } = &self.form else { return Err("a value of another file".to_owned()) };
        let range = storages.get(&view.key).ok_or_else(|| format!("a storage {:?} that is not there", view.key))?;
        let bytes = &self.bytes[range.clone()];
        let length = bytes.len() / view.number.size();
        let beyond = || format!("elements beyond the {length} of its storage");
        let mut count = 1_usize;
        let mut last = view.first;
        for (&size, &stride) in view.shape.iter().zip(&view.strides) {
            count = count.checked_mul(size).ok_or_else(beyond)?;
            let reach = size.saturating_sub(1).checked_mul(stride).ok_or_else(beyond)?;
            last = last.checked_add(reach).ok_or_else(beyond)?;
        }
        // A tensor that repeats its elements has more of them than were saved: no parameter does.
        if count > length || count > 0 && last >= length {
            return Err(beyond());
        }
        require::<f32>(count, || "a tensor".to_owned()).map_err(|error| error.to_string())?;
        let mut data = Vec::with_capacity(count);
        let mut index = vec![0; view.shape.len()];
        let mut place = view.first;
        for _ in 0..count {
            data.push(view.number.read(bytes, place));
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                place += view.strides[axis];
                if index[axis] < view.shape[axis] {
                    break;
                }
                place -= view.strides[axis] * index[axis];
                index[axis] = 0;
            }
        }
        Ok(Array { shape: view.shape.clone(), data })
    }
}

/// Whether a value of a pickle is, or is made of, a tensor.
pub fn is_tensor(node: Node<'_>) -> bool {
    node.class().is_some_and(|class| class.starts_with("torch.") && class.contains("._rebuild_"))
}

fn tensor_error(name: &str, expected: &str, found: impl ToString) -> Error {
    Error::Tensor { name: name.to_owned(), expected: expected.to_owned(), found: found.to_string() }
}

/// Where a tensor's elements are.
struct View {
    key: String,
    number: Number,
    first: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// How a number is kept.
#[derive(Clone, Copy)]
enum Number {
    F16,
    Bf16,
    F32,
    F64,
}

impl Number {
    fn of_storage(class: &str) -> Result<Self, String> {
        match class {
            "torch.FloatStorage" | "torch.cuda.FloatStorage" => Ok(Self::F32),
            "torch.DoubleStorage" | "torch.cuda.DoubleStorage" => Ok(Self::F64),
            "torch.HalfStorage" | "torch.cuda.HalfStorage" => Ok(Self::F16),
            "torch.BFloat16Storage" | "torch.cuda.BFloat16Storage" => Ok(Self::Bf16),
            other => Err(format!("numbers of {other:?}")),
        }
    }

    fn of_type(name: &str) -> Result<Self, String> {
        match name {
            "torch.float32" => Ok(Self::F32),
            "torch.float64" => Ok(Self::F64),
            "torch.float16" => Ok(Self::F16),
            "torch.bfloat16" => Ok(Self::Bf16),
            other => Err(format!("numbers of {other:?}")),
        }
    }

    fn size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Number `index` of those that `bytes` hold.
    fn read(self, bytes: &[u8], index: usize) -> f32 {
        fn at<const SIZE: usize>(bytes: &[u8], index: usize) -> [u8; SIZE] {
            bytes.as_chunks().0.get(index).copied().unwrap_or([0; SIZE])
        }
        match self {
            Self::F16 => f16::from_le_bytes(at(bytes, index)).to_f32(),
            Self::Bf16 => bf16::from_le_bytes(at(bytes, index)).to_f32(),
            Self::F32 => f32::from_le_bytes(at(bytes, index)),
            Self::F64 => f64::from_le_bytes(at(bytes, index)) as f32,
        }
    }
}

fn pickle(bytes: &[u8]) -> Result<Pickle, String> {
    // Of the old form, what stands behind a pickle is not a part of it.
    Pickle::read(&bytes[..bytes.len().min(LONGEST_PICKLE)])
}

fn zipped(bytes: &[u8]) -> Result<Form, String> {
    let entries = zip::entries(bytes)?;
    let root = entries.keys().find_map(|name| name.strip_suffix("data.pkl")).map(str::to_owned);
    let root = root.ok_or("a zip archive without data.pkl: expected a checkpoint of PyTorch")?;
    if entries.contains_key(&format!("{root}constants.pkl")) {
        return Err("a model that was compiled with TorchScript: expected a checkpoint with its parameters".to_owned());
    }
    if let Some(order) = entries.get(&format!("{root}byteorder"))
        && bytes[order.clone()] != *b"little"
    {
        return Err("byteorder: expected little".to_owned());
    }
    let range = entries[&format!("{root}data.pkl")].clone();
    if range.len() > LONGEST_PICKLE {
        return Err(format!("data.pkl: expected at most {LONGEST_PICKLE} bytes, found {}", range.len()));
    }
    let pickle = pickle(&bytes[range])?;
    let folder = format!("{root}data/");
    let storage = |(name, range): (String, Range<usize>)| Some((name.strip_prefix(&folder)?.to_owned(), range));
    Ok(Form::Pickled { pickle, storages: entries.into_iter().filter_map(storage).collect() })
}

fn in_a_row(bytes: &[u8]) -> Result<Form, String> {
    let mark = pickle(bytes)?;
    let mut at = mark.length();
    if mark.root().bytes() != Some(MARK) {
        return Err("a pickle that PyTorch's save has not written".to_owned());
    }
    let mut next = || {
        let next = pickle(&bytes[at..])?;
        at += next.length();
        Ok::<_, String>(next)
    };
    let (_version, machine, pickle, keys) = (next()?, next()?, next()?, next()?);
    if machine.root().get("little_endian").is_some_and(|little| !little.is_true()) {
        return Err("little_endian: expected true".to_owned());
    }
    let classes: BTreeMap<String, String> = pickle
        .persistent()
        .filter_map(|storage| Some((storage.item(2)?.text()?.to_owned(), storage.item(1)?.class()?)))
        .collect();
    let mut storages = BTreeMap::new();
    for key in keys.root().items().ok_or("no list of storages")? {
        let key = key.text().ok_or("a storage without a key")?;
        let class = classes.get(key).map(String::as_str).unwrap_or_default();
        // How long the numbers of other storages are must be known to find what stands behind them.
        let size = Number::of_storage(class).map(Number::size).or_else(|reason| match class.rsplit('.').next() {
            Some("LongStorage") => Ok(8),
            Some("IntStorage") => Ok(4),
            Some("ShortStorage") => Ok(2),
            Some("ByteStorage" | "CharStorage" | "BoolStorage") => Ok(1),
            _ => Err(reason),
        })?;
        let cut = || format!("storage {key:?}: the file ends before it does");
        let length = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()).ok_or_else(cut)?;
        let first = at + 8;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|length| length.checked_mul(size));
        let end = length.and_then(|length| first.checked_add(length)).filter(|&end| end <= bytes.len());
        at = end.ok_or_else(cut)?;
        storages.insert(key.to_owned(), first..at);
    }
    Ok(Form::Pickled { pickle, storages })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The array of a value that these keys lead to, of a file that PyTorch has saved (`fuzz/seeds/import`).
    fn array(file: &str, keys: &[&str]) -> Array {
        let path = Path::new("fuzz/seeds/import").join(file);
        let checkpoint = Checkpoint::load(path).expect("a checkpoint");
        let root = checkpoint.root().expect("a pickle");
        let node = keys.iter().fold(root, |node, key| node.get(key).expect("a key"));
        checkpoint.tensor("a tensor", node).expect("a tensor")
    }

    #[test]
    fn tensors_are_views_of_storages_in_every_kind_of_number() {
        for file in ["zip", "row"] {
            // torch.arange(8.0).view(2, 4).t(), which is not copied when it is saved
            let weight = array(file, &["generator", "weight"]);
            assert_eq!(
                (weight.shape, weight.data),
                (vec![4, 2], vec![0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0]),
                "{file}"
            );
            // A parameter of 16 bits.
            assert_eq!(array(file, &["generator", "bias"]).data, [0.5, -2.0, 0.0, 1.0], "{file}");
        }
        // bfloat16, from the second element on; float64.
        assert_eq!(array("joey", &["model_state", "a"]).data, [-3.0, 0.25]);
        let double = array("fairseq", &["model", "encoder.lstm.weight_hh_l0"]);
        assert_eq!((double.shape, double.data), (vec![1, 1], vec![0.1]));
    }

    #[test]
    fn a_value_that_is_no_tensor_is_said_so() {
        let checkpoint = Checkpoint::load("fuzz/seeds/import/zip").expect("a checkpoint");
        let root = checkpoint.root().expect("a pickle");
        for (key, found) in [("vocab", "another value"), ("opt", "\"argparse.Namespace\"")] {
            let error = checkpoint.tensor("x", root.get(key).expect("a key")).expect_err("an error").to_string();
            assert_eq!(error, format!("tensor x: expected a tensor of numbers, found {found}"));
        }
    }
}
