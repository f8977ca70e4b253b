using Berth.Compose.Model;

namespace Berth.Compose.Tests;

/// <summary>Files of the shapes that courses and books really use.</summary>
public class ReferenceShapeTests
{
    [Fact]
    public void A_django_site_with_mysql_and_nginx_loads()
    {
        using var project = Project.Of("""
            version: "3"
            services:
              app:
                restart: always
                build: .
                command: >
                  bash -c "python manage.py collectstatic --noinput &&
                  gunicorn --timeout=30 --workers=4 --bind :8000 site.wsgi:application"
                volumes:
                  - .:/code
                  - static-volume:/code/static
                expose:
                  - "8000"
                depends_on:
                  - db
                networks: [web_network, db_network]
              db:
                image: mysql:5.7
                volumes: ["./mysql:/var/lib/mysql"]
                ports: ["3306:3306"]
                environment:
                  - MYSQL_ROOT_PASSWORD=a^b&c(d#e@f=g
                  - MYSQL_DATABASE=blog
                networks: [db_network]
              nginx:
                restart: always
                image: nginx:latest
                ports:
                  - 8001:8000
                volumes:
                  - static-volume:/code/static
                  - ./config/nginx:/etc/nginx/conf.d
                depends_on: [app]
                networks: [web_network]
            networks:
              web_network:
                driver: bridge
              db_network:
                driver: bridge
            volumes:
              static-volume:
            """);
        var result = project.Good();
        var app = result.Services["app"];

        Assert.Equal("shop", result.Name);
        Assert.Equal(["bash", "-c", "python manage.py collectstatic --noinput && gunicorn --timeout=30 --workers=4 --bind :8000 site.wsgi:application"], app.Command);
        Assert.Equal(
            [
                new MountModel(MountKind.Bind, project.Folder, "/code", false, CreatesHostPath: true),
                new MountModel(MountKind.Volume, "static-volume", "/code/static", false),
            ],
            app.Volumes);
        Assert.Equal(project.Folder, app.Build!.Context);
        Assert.Equal(["8000/tcp"], app.Expose);
        Assert.Equal(new RestartPolicy(RestartCondition.Always, 0), app.Restart);
        Assert.Equal([new PortModel(null, 8001, 8001, 8000, "tcp")], result.Services["nginx"].Ports);
        Assert.Equal("a^b&c(d#e@f=g", result.Services["db"].Environment["MYSQL_ROOT_PASSWORD"]);
        Assert.Equal(["db_network", "web_network"], app.Networks.Keys.Order());
        Assert.DoesNotContain("default", result.Networks.Keys);
        Assert.Equal("shop_static-volume", result.Volumes["static-volume"].Name);
        Assert.Equal("shop_web_network", result.Networks["web_network"].Name);
        Assert.Equal(
            "compose.yaml:1:1: the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion",
            Assert.Single(project.Warnings()));
    }

    [Fact]
    public void A_forum_with_exact_names_and_separate_networks_loads()
    {
        using var project = Project.Of("""
            services:
              mysql:
                image: mysql:5.7
                container_name: mysql
                env_file: .env
                environment:
                  TZ: Asia/Shanghai
                  MYSQL_ROOT_PASSWORD: ${DB_PASSWORD}
                  MYSQL_DATABASE: thss
                command: ['mysqld', '--character-set-server=utf8mb4', '--collation-server=utf8mb4_unicode_ci']
                volumes: [/home/ubuntu/mysql/:/var/lib/mysql]
                healthcheck:
                  test: mysqladmin ping -h localhost
                  timeout: 5s
                  interval: 10s
                  retries: 10
                networks: [back]
              app:
                container_name: app
                image: forum
                build: {context: ./app, dockerfile: deploy/Dockerfile}
                depends_on:
                  mysql: {condition: service_healthy}
                networks: [front, back]
              nginx:
                container_name: nginx
                image: nginx:latest
                ports: ["8000:8000"]
                networks: [front]
            networks: {front: , back: }
            """).With(".env", "DB_PASSWORD=2017010000\n");
        var result = project.Good();

        Assert.Equal("2017010000", result.Services["mysql"].Environment["MYSQL_ROOT_PASSWORD"]);
        Assert.Equal("2017010000", result.Services["mysql"].Environment["DB_PASSWORD"]);
        Assert.Equal("/home/ubuntu/mysql", result.Services["mysql"].Volumes[0].Source);
        Assert.Equal(["CMD-SHELL", "mysqladmin ping -h localhost"], result.Services["mysql"].Healthcheck!.Test);
        Assert.Equal((10, 10.0), (result.Services["mysql"].Healthcheck!.Retries, result.Services["mysql"].Healthcheck!.Interval!.Value.TotalSeconds));
        Assert.Equal(new Dependency(DependencyCondition.Healthy, false, true), result.Services["app"].DependsOn["mysql"]);
        Assert.Equal("deploy/Dockerfile", result.Services["app"].Build!.Dockerfile);
        Assert.Equal(["back", "front"], result.Networks.Keys.Order());
    }

    [Fact]
    public void A_flask_stack_with_an_env_file_loads()
    {
        using var project = Project.Of("""
            version: '3'
            services:
              rmq:
                image: rabbitmq:3-management
                env_file:
                  - prod.env
                ports:
                  - 15672:15672
              redis:
                  image: redis
              frontend:
                image: myblog
                depends_on: [rmq]
                env_file: [prod.env]
                restart: always
                ports:
                  - 80:80
            """).With("prod.env", "DB_HOST=db\nSECRET_KEY=s3^&(#@=x\n");
        var result = project.Good();
        Assert.Equal("s3^&(#@=x", result.Services["frontend"].Environment["SECRET_KEY"]);
        Assert.Equal([new PortModel(null, 80, 80, 80, "tcp")], result.Services["frontend"].Ports);
        Assert.Equal("shop_default", Assert.Single(result.Networks.Values).Name);
        Assert.Equal(["rmq", "frontend", "redis"], ServiceOrder.Sort(result.Services).Select(service => service.Name));
    }
}
