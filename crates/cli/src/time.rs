//! Times for people, in UTC: the host that tells one may be elsewhere.

use time::OffsetDateTime;

/// Seconds since 1970 as virsh writes a time.
pub(crate) fn utc(seconds: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else {
        return format!("{seconds} s");
    };
    let (date, (hour, minute, second)) = (time.date(), time.to_hms());
    format!("{date} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_virsh_does() {
        assert_eq!(utc(1_270_477_159), "2010-04-05 14:19:19 +0000");
        assert_eq!(utc(i64::MAX), format!("{} s", i64::MAX));
    }
}
