//! An upstream with TLS, whose certificate is one that the host trusts, or not.

use crate::support::{
    Upstream, guest, text,
    tls::Authority,
    work_folder::{CANARY, Ran, WorkFolder},
};

#[tokio::test]
async fn a_certified_upstream_is_shown_the_credential_and_one_of_an_unknown_authority_nothing() {
    let authority = Authority::new();
    let upstream = Upstream::secured(&authority, |_| text(200, "1706745600,1.5\n")).await;
    let url = upstream.url();
    let folder = WorkFolder::new(&format!(
        "[[source]]\nid = \"parks\"\ncomponent = {:?}\nhosts = [{url:?}]\n\
         credential = {{ header = \"x-token\", from = \"env:CANARY\" }}\n[source.settings]\nbase_url = {url:?}\n",
        guest("fifth")
    ));
    folder.import("windfarm,source,code\nRidge,parks,north\n").await;

    let unknown = folder.run("Ridge", "2024-02", "2024-02").await.failed();
    let told = unknown.out.lines().find(|line| line.contains("certificate"));
    assert!(told.is_some_and(|line| line.contains("127.0.0.1: ")), "{}{}", unknown.out, unknown.err);
    assert_eq!(upstream.asked().len(), 0, "nothing is shown to it");

    folder.write("authority.pem", &authority.pem());
    let mut trusting =
        folder.command(&["run", "--windfarm", "Ridge", "--from", "2024-02", "--to", "2024-02"]);
    trusting.env("SSL_CERT_FILE", folder.path("authority.pem"));
    let ran = Ran::of(trusting.output().await.unwrap()).succeeded();
    assert_eq!(ran.figure("inserted"), 1, "{}", ran.last_line());
    let asked = upstream.asked();
    assert_eq!((asked.len(), &*asked[0].headers["x-token"]), (1, CANARY));
}
