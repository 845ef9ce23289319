//! How a trait of the contract is declared, so that its operations stand in one place.

/// Declares a trait as it stands, and a macro that implements it for a backend: each operation is the method of the
/// same name that the backend has itself, where it computes it.
macro_rules! contract {
    (
        implemented by $implement:ident;
        $(#[$attribute:meta])*
        pub trait $name:ident: $above:ident {
            $(
                $(#[$operation_attribute:meta])*
                fn $operation:ident(&self, $($argument:ident: $type:ty),* $(,)?) -> $result:ty;
            )*
        }
    ) => {
        $(#[$attribute])*
        pub trait $name: $above {
            $($(#[$operation_attribute])* fn $operation(&self, $($argument: $type),*) -> $result;)*
        }

        macro_rules! $implement {
            () => {
                $(
                    #[deny(unconditional_recursion, reason = "an operation that the backend lacks would call itself")]
                    fn $operation(&self, $($argument: $type),*) -> $result {
                        Self::$operation(self, $($argument),*)
                    }
                )*
            };
        }
        pub(crate) use $implement;
    };
}
