-- The words of an error, with placeholders for the parts that vary. With "C", character classes are
-- those of ASCII, whatever the database's locale is. The order matters: a URL contains a host and a
-- path, and a host may contain numbers.
create or replace function errand.error_words(message text) returns text
  language sql immutable parallel safe
return
  regexp_replace(
    regexp_replace(
      regexp_replace(
        regexp_replace(
          regexp_replace(
            regexp_replace(
              left(message, 1000) collate "C",
              -- An apostrophe within a word does not start a quote.
              '"[^"]*"|(?<![[:alnum:]])''[^'']*''|`[^`]*`', '<text>', 'g'),
            '\m[a-z][a-z0-9+.-]*://[^\s"''`<>]+', '<url>', 'gi'),
          '[^\s"''`<>()\[\]{}:;,=]+@[^\s"''`<>()\[\]{}:;,]+', '<email>', 'g'),
        '[^\s"''`<>()\[\]{};,=]*[/\\][^\s"''`<>()\[\]{};,]*', '<path>', 'g'),
      -- IPv4, IPv6, names with a dot or a port. A name before a bracket is code.
      '\m[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]+)?\M' ||
      '|(?<![[:alnum:]_:])[0-9a-f]{0,4}(:[0-9a-f]{0,4}){2,8}(\.[0-9]+)*(?![[:alnum:]_])' ||
      '|\m([a-z0-9_-]+\.)+[a-z][a-z0-9-]+(:[0-9]+)?\M(?!\(| is not )' ||
      '|\[[0-9a-f.]*:[0-9a-f:.]*\](:[0-9]+)?|\mlocalhost\M|\m[a-z][a-z0-9_-]*:[0-9]{2,5}\M', '<host>', 'gi'),
    -- Words with a digit (ids, numbers, dates), and long hexadecimal numbers without one.
    '[[:alnum:]_-]*[0-9][[:alnum:]_-]*([.,:][0-9][[:alnum:]_-]*)*|\m[a-f]{8,}\M', '<n>', 'gi');
