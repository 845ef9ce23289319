//! Days of the Gregorian calendar from 1900 to 2099.

use std::ops::RangeInclusive;

/// The years that dates are from.
pub const YEARS: RangeInclusive<u32> = 1900..=2099;

/// A day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Date {
    pub year: u32,
    /// 1 … 12
    pub month: u32,
    /// 1 … 31
    pub day: u32,
}

impl Date {
    /// `1984-03-03` (ISO 8601, extended format)
    pub fn iso(self) -> String {
        let Self { year, month, day } = self;
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// 0 is Monday.
    pub fn weekday(self) -> usize {
        let Self { year, month, day } = self;
        let leap_years = |until: u32| until / 4 - until / 100 + until / 400; // from year 1 on
        let before_year = 365 * (year - 1900) + leap_years(year - 1) - leap_years(1899);
        let before_month: u32 = (1..month).map(|month| days(year, month)).sum();
        (before_year + before_month + day - 1) as usize % 7 // 1 January 1900 was a Monday
    }
}

/// How many days a month has.
pub fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_of_known_days() {
        let weekday = |year, month, day| Date { year, month, day }.weekday();
        assert_eq!(weekday(1900, 1, 1), 0);
        assert_eq!(weekday(1969, 7, 20), 6, "the first people on the Moon");
        assert_eq!(weekday(1984, 3, 3), 5);
        assert_eq!(weekday(2000, 2, 29), 1);
        assert_eq!(weekday(2099, 12, 31), 3);
    }

    #[test]
    fn every_day_is_followed_by_the_next_weekday() {
        let mut weekdays = Vec::new();
        for year in YEARS {
            for month in 1..=12 {
                weekdays.extend((1..=days(year, month)).map(|day| Date { year, month, day }.weekday()));
            }
        }
        assert_eq!(weekdays.len(), 73_049);
        assert!(weekdays.iter().enumerate().all(|(at, &weekday)| weekday == at % 7));
    }
}
