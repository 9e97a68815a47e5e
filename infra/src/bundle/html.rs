//! The trail on paper: one page of HTML that needs nothing else, prints well on A4, and repeats its head on every sheet.

use std::fmt::Write as _;

use super::trail::{About, Line, Named, Trail};

/// The look. No font, no picture, no script: what is not in the file is not needed.
const STYLE: &str = include_str!("trail.css");

/// A text as HTML shows it, whatever stands in it.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("<br>"),
            c => out.push(c),
        }
    }
    out
}

/// The page.
pub(crate) fn page(trail: &Trail) -> String {
    let mut page = String::new();
    // A String takes everything.
    let _ = write(&mut page, trail);
    page
}

fn write(page: &mut String, trail: &Trail) -> std::fmt::Result {
    let number = trail.about.as_ref().and_then(|about| about.arrival_number);
    let name = number.map_or_else(|| trail.document.clone(), |number| format!("Số đến {number}"));
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Nhật ký văn bản đến – {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>Nhật ký văn bản đến</h1>\n",
        text(&name)
    )?;
    match &trail.about {
        Some(about) => head(page, trail, about)?,
        None => page.push_str(
            "<p class=\"note\">Gói này không kèm khóa: chỉ có phần công khai của bản ghi (việc gì, lúc nào, ai), chuỗi liên kết \
             và chứng minh.</p>\n",
        ),
    }
    let columns = "<tr><th>Bản</th><th>Lúc</th><th>Việc</th><th>Người thực hiện, thẩm quyền</th></tr>";
    let running = running_head(trail);
    writeln!(
        page,
        "<table class=\"trail\">\n<colgroup><col><col><col><col></colgroup>\n<thead>\n<tr><td colspan=\"4\" class=\"running\">{running}</td></tr>\n{columns}\n</thead>\n<tbody>"
    )?;
    for record in &trail.records {
        line(page, record)?;
    }
    page.push_str("</tbody>\n</table>\n");
    files(page, trail)?;
    writeln!(
        page,
        "<h2>Chứng minh</h2>\n<p>Mọi bản ghi trên đây có trong sổ cái <b>{}</b> (mã <code>{}</code>), tính đến {} bản ghi, gốc cây \
         <code>{}</code>. Trang này chỉ để đọc; cái được chứng minh là các bản ghi trong gói. Kiểm tra bằng \
         <code>socai verify-bundle</code> với khóa của sổ cái lấy từ chính cơ quan (xem README.txt trong gói).</p>\n</body>\n</html>",
        text(&trail.origin),
        text(&trail.ledger),
        trail.covers,
        text(&trail.root),
    )
}

/// What stands at the head of every printed sheet.
fn running_head(trail: &Trail) -> String {
    let Some(about) = &trail.about else { return text(&trail.document) };
    let number = about.arrival_number.map(|number| format!("Số đến {number}"));
    let parts = [Some(trail.document.clone()), number, about.code.clone(), about.abstract_text.clone()];
    text(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

fn head(page: &mut String, trail: &Trail, about: &About) -> std::fmt::Result {
    let number = about.arrival_number.map(|number| number.to_string());
    let rows = [
        ("Cơ quan", about.organ.as_deref()),
        ("Mã văn bản", Some(trail.document.as_str())),
        ("Số đến", number.as_deref()),
        ("Đến lúc", about.arrived_at.as_deref()),
        ("Cách đến", about.channel),
        ("Cơ quan ban hành", about.issuer.as_deref()),
        ("Số, ký hiệu", about.code.as_deref()),
        ("Ngày ban hành", about.promulgated_on.as_deref()),
        ("Loại văn bản", about.type_name.as_deref()),
        ("Trích yếu", about.abstract_text.as_deref()),
        ("Tình trạng", about.stage),
    ];
    page.push_str("<table class=\"about\">\n");
    for (label, value) in rows {
        if let Some(value) = value {
            writeln!(page, "<tr><th>{label}</th><td>{}</td></tr>", text(value))?;
        }
    }
    page.push_str("</table>\n");
    Ok(())
}

fn person(named: &Named) -> String {
    match &named.name {
        Some(name) => text(name),
        None => format!("<code>{}</code>", text(&named.id)),
    }
}

fn line(page: &mut String, record: &Line) -> std::fmt::Result {
    let decision = record.decision.as_ref();
    let at = decision.map_or(record.recorded_at.as_str(), |decision| &decision.decided);
    writeln!(page, "<tr>\n<td>{}</td>\n<td>{}</td>\n<td><b>{}</b>", record.revision, text(at), text(record.title))?;
    match record.state {
        "erased" => page.push_str("<div class=\"gone\">Nội dung đã bị xóa bỏ; bản ghi và chuỗi còn nguyên.</div>\n"),
        "sealed" => page.push_str("<div class=\"gone\">Nội dung được niêm phong.</div>\n"),
        _ => {}
    }
    if let Some(decision) = decision {
        if let Some(summary) = &decision.summary {
            writeln!(page, "<div>{}</div>", text(summary))?;
        }
        for given in &decision.given {
            writeln!(page, "<div>→ {}</div>", text(given))?;
        }
    }
    writeln!(
        page,
        "<div class=\"proof\">ghi lúc {} · lá {} · <code>{}</code></div>\n</td>\n<td>",
        text(&record.recorded_at),
        record.leaf,
        text(&record.hash)
    )?;
    match &record.person {
        Some(named) => writeln!(page, "<div>{}</div>", person(named))?,
        None => page.push_str("<div>Hệ thống</div>\n"),
    }
    if let Some(decision) = decision {
        if let Some(post) = &decision.acting_as {
            let parts = [post.title.as_deref(), post.unit.as_deref()];
            let words = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let role = post.role.map(|role| format!(" (vai trò: {role})")).unwrap_or_default();
            writeln!(page, "<div>{}{}</div>", text(&words), text(&role))?;
        }
        if let Some(named) = &decision.on_behalf_of {
            writeln!(page, "<div>thay mặt {} theo ủy quyền</div>", person(named))?;
        }
        if let Some(revision) = decision.judged_by {
            writeln!(page, "<div class=\"proof\">xét theo bản {revision} của cơ quan</div>")?;
        }
    }
    if let Some(article) = &record.article {
        writeln!(page, "<div class=\"proof\">{}</div>", text(article))?;
    }
    page.push_str("</td>\n</tr>\n");
    Ok(())
}

fn files(page: &mut String, trail: &Trail) -> std::fmt::Result {
    if trail.files.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<h2>Tệp</h2>\n<table class=\"files\">\n<tr><th>Tên</th><th>Vai trò</th><th>Byte</th><th>BLAKE3</th></tr>\n",
    );
    for file in &trail.files {
        let (name, role, hash) = (text(&file.name), text(file.role), text(&file.blake3));
        writeln!(page, "<tr><td>{name}</td><td>{role}</td><td>{}</td><td><code>{hash}</code></td></tr>", file.size)?;
    }
    page.push_str("</table>\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_people_write_is_markup() {
        let wrong = "<script>alert('x')</script> & \"y\"\nsecond";
        assert_eq!(text(wrong), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;<br>second");
    }

    #[test]
    fn the_look_asks_for_nothing_from_outside() {
        for outside in ["url(", "@import", "http"] {
            assert!(!STYLE.contains(outside), "{outside}");
        }
        assert!(STYLE.contains("size: A4"));
    }
}
