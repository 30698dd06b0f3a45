"""nginx with another configuration: what it serves is not the site."""

from faults.fault import Fault

TITLE = "nginx misconfigured"

PAGE = {"site": "critical", "frontend": "critical"}


def nginx_says(name, good, broken, *says, checks=None, **more):
    """nginx with other words in its configuration."""
    return Fault(name=f"nginx: {name}", inject=lambda site: site.change_nginx(good, broken),
                 broken=checks or {"frontend": "critical"}, says=says, **more)


def wrong_root(site):
    site.change_nginx(f"root {site.build};", "root /nonexistent;")


def other_upstream(site):
    site.change_nginx(f"proxy_pass http://127.0.0.1:{site.api_port}", "proxy_pass http://127.0.0.1:1")


FAULTS = [
    Fault(name="nginx: its root is another folder", inject=wrong_root, broken=PAGE, tried=("nginx",),
          says=("HTTP", "HTTP")),
    Fault(name="nginx: its upstream is another port", inject=other_upstream, broken={"behind": "critical"},
          says=("the application behind it does not answer", "приложение за ним не отвечает")),
    nginx_says("scripts are sent as text", "application/javascript js", "text/plain js", "served as", "отдаётся как"),
    nginx_says("the page in place of what is missing", "try_files $uri =404", "try_files /index.html =404",
               "a page of HTML is served in its place", "вместо файла отдаётся HTML-страница"),
    nginx_says("another page at this address", "location / { try_files $uri /index.html; }", "location / { return 200 other; }",
               "the page lacks", "на странице нет", checks=PAGE, tried=("nginx",)),
    nginx_says("everything is redirected to itself", "location / { try_files $uri /index.html; }",
               "location / { return 301 /; }", "more than 5 redirects", "больше пяти перенаправлений", checks=PAGE,
               tried=("nginx",)),
    nginx_says("everybody is denied", "location / { try_files $uri /index.html; }", "location / { deny all; }",
               "HTTP 403", "HTTP 403", checks=PAGE, tried=("nginx",)),
    nginx_says("a page for repairs, 503", "location / { try_files $uri /index.html; }", "location / { return 503; }",
               "HTTP 503", "HTTP 503", checks=PAGE, tried=("nginx",)),
    nginx_says("TLS switched off", " ssl;", ";", "speaks no TLS", "не говорит на понятном нам TLS",
               checks={"certificate": "critical", "site": "critical"}, tried=("nginx",)),
]
