//! The ways to write a date.
//!
//! Whoever knows the rules can tell which day is meant: where the year does not come first, slashes have the month before
//! the day and dots the day before the month, as in America and in Germany; two digits of a year mean the one from 1950 to
//! 2049.

use super::calendar::Date;

const ENGLISH: Names = Names {
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    weekdays: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
};

const GERMAN: Names = Names {
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    weekdays: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
};

const FRENCH: Names = Names {
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    weekdays: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
};

const SPANISH: Names = Names {
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    weekdays: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
};

/// What a language calls months and days.
struct Names {
    months: [&'static str; 12],
    /// From Monday.
    weekdays: [&'static str; 7],
}

/// The parts of a date as they are written.
pub struct Parts {
    date: Date,
    /// `3`
    d: String,
    /// `03`
    dd: String,
    /// `3`
    m: String,
    /// `03`
    mm: String,
    /// `1984`
    y: String,
    /// `84`
    yy: String,
    /// `3rd`
    nth: String,
    /// `third`
    word: String,
    /// `March`
    month: &'static str,
    /// `Mar`
    mon: &'static str,
    /// `Saturday`
    weekday: &'static str,
    /// `Sat`
    day: &'static str,
}

impl Parts {
    /// The parts in English.
    pub fn new(date: Date) -> Self {
        let Date { year, month, day } = date;
        let (name, weekday) = (ENGLISH.month(date), ENGLISH.weekday(date));
        Self {
            date,
            d: day.to_string(),
            dd: format!("{day:02}"),
            m: month.to_string(),
            mm: format!("{month:02}"),
            y: year.to_string(),
            yy: format!("{:02}", year % 100),
            nth: format!("{day}{}", suffix(day)),
            word: ordinal(day),
            month: name,
            mon: &name[..3],
            weekday,
            day: &weekday[..3],
        }
    }

    /// Whether two digits of the year are enough.
    pub fn short_year(&self) -> bool {
        (1950..2050).contains(&self.date.year)
    }
}

/// A way to write a date.
pub type Form = fn(&Parts) -> String;

/// The forms that hold the whole year.
pub const FORMS: &[Form] = &[
    // English
    |Parts { d, month, y, .. }| format!("{d} {month} {y}"),
    |Parts { d, mon, y, .. }| format!("{d} {mon} {y}"),
    |Parts { d, mon, y, .. }| format!("{d}-{mon}-{y}"),
    |Parts { d, month, y, .. }| format!("{month} {d}, {y}"),
    |Parts { d, month, y, .. }| format!("{month} {d} {y}"),
    |Parts { d, mon, y, .. }| format!("{mon}. {d}, {y}"),
    |Parts { nth, mon, y, .. }| format!("{mon} {nth}, {y}"),
    |Parts { nth, month, y, .. }| format!("{nth} {month} {y}"),
    |Parts { nth, month, y, .. }| format!("the {nth} of {month} {y}"),
    |Parts { nth, month, y, .. }| format!("{month} the {nth}, {y}"),
    |Parts { word, month, y, .. }| format!("the {word} of {month}, {y}"),
    |Parts { word, month, y, .. }| format!("{month} {word}, {y}"),
    |Parts { weekday, d, month, y, .. }| format!("{weekday}, {month} {d} {y}"),
    |Parts { weekday, d, month, y, .. }| format!("{weekday}, {d} {month} {y}"),
    |Parts { weekday, nth, month, y, .. }| format!("{weekday} the {nth} of {month} {y}"),
    |Parts { day, d, mon, y, .. }| format!("{day} {d} {mon} {y}"),
    |Parts { day, d, mon, y, .. }| format!("{day}, {mon} {d}, {y}"),
    |Parts { d, month, y, .. }| format!("{y}, {month} {d}"),
    // Numbers
    |Parts { dd, mm, y, .. }| format!("{mm}/{dd}/{y}"),
    |Parts { d, m, y, .. }| format!("{m}/{d}/{y}"),
    |Parts { dd, mm, y, .. }| format!("{dd}.{mm}.{y}"),
    |Parts { d, m, y, .. }| format!("{d}.{m}.{y}"),
    |Parts { dd, mm, y, .. }| format!("{y}/{mm}/{dd}"),
    |Parts { dd, mm, y, .. }| format!("{y}-{mm}-{dd}"),
    |Parts { dd, mm, y, .. }| format!("{y}{mm}{dd}"),
    // German
    |Parts { date, d, y, .. }| format!("{d}. {} {y}", GERMAN.month(*date)),
    |Parts { date, d, y, .. }| format!("{}, {d}. {} {y}", GERMAN.weekday(*date), GERMAN.month(*date)),
    |Parts { date, d, y, .. }| format!("{}, den {d}. {} {y}", GERMAN.weekday(*date), GERMAN.month(*date)),
    // French
    |Parts { date, y, .. }| format!("{} {} {y}", french_day(*date), FRENCH.month(*date)),
    |Parts { date, y, .. }| format!("le {} {} {y}", french_day(*date), FRENCH.month(*date)),
    |Parts { date, y, .. }| format!("{} {} {} {y}", FRENCH.weekday(*date), french_day(*date), FRENCH.month(*date)),
    // Spanish
    |Parts { date, d, y, .. }| format!("{d} de {} de {y}", SPANISH.month(*date)),
    |Parts { date, d, y, .. }| format!("{}, {d} de {} de {y}", SPANISH.weekday(*date), SPANISH.month(*date)),
];

/// The forms that hold two digits of the year.
pub const SHORT_FORMS: &[Form] = &[
    |Parts { d, mon, yy, .. }| format!("{d} {mon} '{yy}"),
    |Parts { nth, month, yy, .. }| format!("{month} {nth}, '{yy}"),
    |Parts { d, mon, yy, .. }| format!("{d}-{mon}-{yy}"),
    |Parts { d, m, yy, .. }| format!("{m}/{d}/{yy}"),
    |Parts { dd, mm, yy, .. }| format!("{mm}/{dd}/{yy}"),
    |Parts { d, m, yy, .. }| format!("{d}.{m}.{yy}"),
    |Parts { dd, mm, yy, .. }| format!("{dd}.{mm}.{yy}"),
];

impl Names {
    fn month(&self, date: Date) -> &'static str {
        self.months[date.month as usize - 1]
    }

    fn weekday(&self, date: Date) -> &'static str {
        self.weekdays[date.weekday()]
    }
}

/// `st`, `nd`, `rd` or `th`
fn suffix(day: u32) -> &'static str {
    match (day % 10, day) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

/// `first` … `thirty-first`
fn ordinal(day: u32) -> String {
    const FIRST: [&str; 20] = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
        "twentieth",
    ];
    match day {
        1..=20 => FIRST[day as usize - 1].to_owned(),
        30 => "thirtieth".to_owned(),
        _ => format!("{}-{}", if day < 30 { "twenty" } else { "thirty" }, FIRST[day as usize % 10 - 1]),
    }
}

/// The first of a month is `1er` in French; the other days are plain numbers.
fn french_day(date: Date) -> String {
    if date.day == 1 { "1er".to_owned() } else { date.day.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_in_every_form() {
        let parts = Parts::new(Date { year: 1984, month: 3, day: 3 });
        let written: Vec<String> = FORMS.iter().chain(SHORT_FORMS).map(|form| form(&parts)).collect();
        for expected in [
            "3 March 1984",
            "Mar 3rd, 1984",
            "the 3rd of March 1984",
            "the third of March, 1984",
            "Saturday, March 3 1984",
            "Sat 3 Mar 1984",
            "03/03/1984",
            "3.3.84",
            "19840303",
            "Samstag, den 3. März 1984",
            "samedi 3 mars 1984",
            "sábado, 3 de marzo de 1984",
            "3 Mar '84",
        ] {
            assert!(written.iter().any(|written| written == expected), "{expected}");
        }
        let mut distinct = written.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), written.len(), "{written:?}");
    }

    #[test]
    fn ordinals_as_they_are_spelt() {
        let both = |day| format!("{day}{} {}", suffix(day), ordinal(day));
        let expected = ["1st first", "2nd second", "3rd third", "11th eleventh", "12th twelfth", "13th thirteenth"];
        assert_eq!([1, 2, 3, 11, 12, 13].map(both), expected);
        let expected =
            ["20th twentieth", "21st twenty-first", "22nd twenty-second", "30th thirtieth", "31st thirty-first"];
        assert_eq!([20, 21, 22, 30, 31].map(both), expected);
        assert_eq!(french_day(Date { year: 2000, month: 5, day: 1 }), "1er");
    }
}
