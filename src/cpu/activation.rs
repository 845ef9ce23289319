//! exp, tanh and sigmoid a register at a time.
//!
//! In `f32` they have no branches and no table, and are exact to a few units in the last place:
//!
//! | function | error |
//! |---|---|
//! | tanh | 4·10⁻⁷ relative |
//! | sigmoid | 2·10⁻⁷ absolute |
//! | exp | 3·10⁻⁷ relative, 0 below −87.3 |
//!
//! They saturate where the true function does, and NaN stays NaN. In `f64`, the oracle, they are the standard
//! library's.

/// `f32`
pub mod single {
    use pulp::Simd;

    /// Σ c_i u^i, the highest coefficient first.
    #[inline(always)]
    fn polynomial<S: Simd>(simd: S, u: S::f32s, coefficients: &[f32]) -> S::f32s {
        let mut sum = simd.splat_f32s(coefficients[0]);
        for &coefficient in &coefficients[1..] {
            sum = simd.mul_add_e_f32s(sum, u, simd.splat_f32s(coefficient));
        }
        sum
    }

    /// `value`, but NaN where `of` is.
    #[inline(always)]
    fn keep_nan<S: Simd>(simd: S, of: S::f32s, value: S::f32s) -> S::f32s {
        simd.select_f32s(simd.equal_f32s(of, of), value, of)
    }

    /// `x` between −`limit` and `limit`.
    #[inline(always)]
    fn clamp<S: Simd>(simd: S, x: S::f32s, limit: f32) -> S::f32s {
        simd.max_f32s(simd.min_f32s(x, simd.splat_f32s(limit)), simd.splat_f32s(-limit))
    }

    /// x P(x²) / Q(x²) up to 9.02, where tanh rounds to 1: the minimax quotient of two polynomials of degree four.
    #[inline(always)]
    pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
        const P: [f32; 5] = [1.331_915_3e-8, 2.058_354_6e-5, 3.494_038_7e-3, 0.133_797_21, 1.0];
        const Q: [f32; 5] = [7.762_054e-7, 3.283_099_5e-4, 2.587_108_9e-2, 0.467_130_36, 1.0];
        let small = clamp(simd, x, 9.02);
        let u = simd.mul_f32s(small, small);
        let quotient = simd.div_f32s(simd.mul_f32s(small, polynomial(simd, u, &P)), polynomial(simd, u, &Q));
        keep_nan(simd, x, clamp(simd, quotient, 1.0))
    }

    /// (1 + tanh(x / 2)) / 2
    #[inline(always)]
    pub fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
        let half = simd.splat_f32s(0.5);
        simd.mul_add_e_f32s(half, tanh(simd, simd.mul_f32s(half, x)), half)
    }

    /// 2^n e^r with n = round(x / ln 2) and r = x − n ln 2, |r| ≤ ln 2 / 2.
    #[inline(always)]
    pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
        // Adding 1.5 · 2²³ leaves the nearest integer in the low bits of a float.
        const ROUND: f32 = 12_582_912.0;
        const TAYLOR: [f32; 6] = [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5];
        const LOWEST: f32 = -87.3;
        const HIGHEST: f32 = 88.7;
        let (lowest, highest) = (simd.splat_f32s(LOWEST), simd.splat_f32s(HIGHEST));
        let inside = simd.max_f32s(simd.min_f32s(x, highest), lowest);
        let rounded = simd.mul_add_e_f32s(inside, simd.splat_f32s(std::f32::consts::LOG2_E), simd.splat_f32s(ROUND));
        let n = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
        // ln 2 in two parts, the first exact in n · ln 2.
        let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-0.693_359_4), inside);
        let r = simd.mul_add_e_f32s(n, simd.splat_f32s(2.121_944_4e-4), r);
        let r_squared = simd.mul_f32s(r, r);
        let tail = simd.mul_add_e_f32s(polynomial(simd, r, &TAYLOR), r_squared, r);
        let exp_r = simd.add_f32s(tail, simd.splat_f32s(1.0));
        // Times 2^n: n is added to the exponent; what else the bits of `rounded` hold is shifted out.
        let bits = simd.transmute_u32s_f32s(rounded);
        let scaled = simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23));
        let exponent = simd.add_u32s(simd.transmute_u32s_f32s(exp_r), scaled);
        let value = simd.transmute_f32s_u32s(exponent);
        let value = simd.select_f32s(simd.less_than_f32s(x, lowest), simd.splat_f32s(0.0), value);
        let value = simd.select_f32s(simd.less_than_f32s(highest, x), simd.splat_f32s(f32::INFINITY), value);
        keep_nan(simd, x, value)
    }
}

/// `f64`
pub mod double {
    use pulp::Simd;

    /// `function` of every number of a register.
    #[inline(always)]
    fn each<S: Simd>(mut x: S::f64s, function: impl Fn(f64) -> f64) -> S::f64s {
        let numbers: &mut [f64] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut x));
        for number in numbers {
            *number = function(*number);
        }
        x
    }

    /// tanh(x)
    #[inline(always)]
    pub fn tanh<S: Simd>(_: S, x: S::f64s) -> S::f64s {
        each::<S>(x, f64::tanh)
    }

    /// 1 / (1 + e^−x)
    #[inline(always)]
    pub fn sigmoid<S: Simd>(_: S, x: S::f64s) -> S::f64s {
        each::<S>(x, |x| 1.0 / (1.0 + (-x).exp()))
    }

    /// e^x
    #[inline(always)]
    pub fn exp<S: Simd>(_: S, x: S::f64s) -> S::f64s {
        each::<S>(x, f64::exp)
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Simd, WithSimd};

    use crate::cpu::Instructions;
    use crate::cpu::simd::{Lanes, lanes};

    /// exp, tanh and sigmoid of some numbers.
    struct All<'a>(&'a [f32]);

    impl WithSimd for All<'_> {
        type Output = Vec<[f32; 3]>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut out = Vec::new();
            for part in self.0.chunks(lanes::<f32, S>()) {
                let x = f32::load(simd, part);
                let mut values = [[0.0; 64]; 3];
                f32::store(simd, &mut values[0], f32::exp_register(simd, x));
                f32::store(simd, &mut values[1], f32::tanh_register(simd, x));
                f32::store(simd, &mut values[2], f32::sigmoid_register(simd, x));
                out.extend((0..part.len()).map(|lane| values.map(|values| values[lane])));
            }
            out
        }
    }

    /// From −200 to 200, dense around 0 on a logarithmic scale too.
    fn numbers() -> Vec<f32> {
        let even = (-2_000_000..=2_000_000).map(|step| step as f32 * 1e-4);
        let tiny = (0..400_000).flat_map(|step| {
            let x = 10f32.powf(step as f32 * 1e-4 - 38.0);
            [x, -x]
        });
        even.chain(tiny).collect()
    }

    #[test]
    fn the_documented_errors_hold() {
        let numbers = numbers();
        let (mut exp_error, mut tanh_error, mut sigmoid_error) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (&x, [exp, tanh, sigmoid]) in numbers.iter().zip(Instructions::best().dispatch(All(&numbers))) {
            let x = f64::from(x);
            if x < -87.4 {
                assert_eq!(exp, 0.0, "exp({x})");
            } else if x > 88.71 {
                assert_eq!(exp, f32::INFINITY, "exp({x})");
            } else if (-87.2..88.6).contains(&x) {
                exp_error = exp_error.max((f64::from(exp) / x.exp() - 1.0).abs());
            }
            if x != 0.0 {
                tanh_error = tanh_error.max((f64::from(tanh) / x.tanh() - 1.0).abs());
            }
            assert!(tanh.abs() <= 1.0 && (0.0..=1.0).contains(&sigmoid), "{x}");
            sigmoid_error = sigmoid_error.max((f64::from(sigmoid) - 1.0 / (1.0 + (-x).exp())).abs());
        }
        assert!(exp_error <= 3e-7, "exp: {exp_error}");
        assert!(tanh_error <= 4e-7, "tanh: {tanh_error}");
        assert!(sigmoid_error <= 2e-7, "sigmoid: {sigmoid_error}");
    }

    #[test]
    fn the_ends_are_exact() {
        let special = [f32::NEG_INFINITY, f32::INFINITY, 0.0, -0.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, f32::NAN];
        let values = Instructions::best().dispatch(All(&special));
        assert_eq!(values[0], [0.0, -1.0, 0.0]);
        assert_eq!(values[1], [f32::INFINITY, 1.0, 1.0]);
        assert_eq!(values[2], [1.0, 0.0, 0.5]);
        assert_eq!(values[3], [1.0, 0.0, 0.5]);
        assert_eq!(values[4], [f32::INFINITY, 1.0, 1.0]);
        assert_eq!(values[5], [0.0, -1.0, 0.0]);
        assert_eq!(values[6], [1.0, f32::MIN_POSITIVE, 0.5]);
        assert!(values[7].iter().all(|value| value.is_nan()));
    }
}
