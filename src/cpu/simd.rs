//! Registers of numbers: one vocabulary for `f32` and `f64`, and for every processor that `pulp` knows.

use std::fmt::Debug;

use pulp::Simd;

use super::memory::Kept;

/// The numbers the CPU computes in, and their arithmetic a register at a time.
///
/// All of it is to be inlined below [`Instructions::dispatch`](super::instructions::Instructions), where the
/// processor's instructions are known.
pub trait Lanes: Kept {
    /// As many numbers as the processor works on at once.
    type Register<S: Simd>: bytemuck::Pod + Debug + Send + Sync;

    /// The full registers at the beginning of a slice.
    fn registers<S: Simd>(slice: &[Self]) -> &[Self::Register<S>];
    /// The same, to be written.
    fn registers_mut<S: Simd>(slice: &mut [Self]) -> &mut [Self::Register<S>];
    /// The first numbers of a slice; zeros where it is shorter than a register.
    fn load<S: Simd>(simd: S, slice: &[Self]) -> Self::Register<S>;
    /// Writes as much of a register as the slice takes.
    fn store<S: Simd>(simd: S, slice: &mut [Self], register: Self::Register<S>);
    /// The same number everywhere.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Register<S>;
    /// a + b
    fn plus<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// a − b
    fn minus<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// a · b
    fn times<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// a · b + c, rounded once where the processor has an instruction for it, else twice.
    fn times_plus<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
        c: Self::Register<S>,
    ) -> Self::Register<S>;
    /// The larger of the two.
    fn maximum<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// The sum of a register, in an order that depends on the processor only.
    fn reduce_sum<S: Simd>(simd: S, a: Self::Register<S>) -> Self;
    /// The largest of a register.
    fn reduce_max<S: Simd>(simd: S, a: Self::Register<S>) -> Self;
    /// e^a
    fn exp_register<S: Simd>(simd: S, a: Self::Register<S>) -> Self::Register<S>;
    /// tanh(a)
    fn tanh_register<S: Simd>(simd: S, a: Self::Register<S>) -> Self::Register<S>;
    /// 1 / (1 + e^−a)
    fn sigmoid_register<S: Simd>(simd: S, a: Self::Register<S>) -> Self::Register<S>;
}

macro_rules! lanes {
    ($type:ident, $register:ident, $as_simd:ident, $as_mut_simd:ident, $load:ident, $store:ident, $splat:ident, $add:ident, $sub:ident,
     $mul:ident, $mul_add:ident, $max:ident, $reduce_sum:ident, $reduce_max:ident, $activation:ident) => {
        impl Lanes for $type {
            type Register<S: Simd> = S::$register;

            #[inline(always)]
            fn registers<S: Simd>(slice: &[Self]) -> &[S::$register] {
                S::$as_simd(slice).0
            }
            #[inline(always)]
            fn registers_mut<S: Simd>(slice: &mut [Self]) -> &mut [S::$register] {
                S::$as_mut_simd(slice).0
            }
            #[inline(always)]
            fn load<S: Simd>(simd: S, slice: &[Self]) -> S::$register {
                match S::$as_simd(slice).0.first() {
                    Some(&full) => full,
                    None => simd.$load(slice),
                }
            }
            #[inline(always)]
            fn store<S: Simd>(simd: S, slice: &mut [Self], register: S::$register) {
                match bytemuck::cast_slice(std::slice::from_ref(&register)) {
                    full if full.len() <= slice.len() => slice[..full.len()].copy_from_slice(full),
                    _ => simd.$store(slice, register),
                }
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> S::$register {
                simd.$splat(value)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, a: S::$register, b: S::$register) -> S::$register {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn minus<S: Simd>(simd: S, a: S::$register, b: S::$register) -> S::$register {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn times<S: Simd>(simd: S, a: S::$register, b: S::$register) -> S::$register {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn times_plus<S: Simd>(simd: S, a: S::$register, b: S::$register, c: S::$register) -> S::$register {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn maximum<S: Simd>(simd: S, a: S::$register, b: S::$register) -> S::$register {
                simd.$max(a, b)
            }
            #[inline(always)]
            fn reduce_sum<S: Simd>(simd: S, a: S::$register) -> Self {
                simd.$reduce_sum(a)
            }
            #[inline(always)]
            fn reduce_max<S: Simd>(simd: S, a: S::$register) -> Self {
                simd.$reduce_max(a)
            }
            #[inline(always)]
            fn exp_register<S: Simd>(simd: S, a: S::$register) -> S::$register {
                super::activation::$activation::exp(simd, a)
            }
            #[inline(always)]
            fn tanh_register<S: Simd>(simd: S, a: S::$register) -> S::$register {
                super::activation::$activation::tanh(simd, a)
            }
            #[inline(always)]
            fn sigmoid_register<S: Simd>(simd: S, a: S::$register) -> S::$register {
                super::activation::$activation::sigmoid(simd, a)
            }
        }
    };
}

lanes!(
    f32,
    f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    partial_load_f32s,
    partial_store_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    mul_add_e_f32s,
    max_f32s,
    reduce_sum_f32s,
    reduce_max_f32s,
    single
);
lanes!(
    f64,
    f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    partial_load_f64s,
    partial_store_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    mul_add_e_f64s,
    max_f64s,
    reduce_sum_f64s,
    reduce_max_f64s,
    double
);

/// Numbers in a register.
#[inline(always)]
pub fn lanes<T: Lanes, S: Simd>() -> usize {
    size_of::<T::Register<S>>() / size_of::<T>()
}
